package clientcache

import (
	"crypto/sha256"
	"time"

	"github.com/contit/oauth/storage"
)

// known has the clients that the store had. If there is no room, a hand goes round and
// takes the place of the first client that was not used since the hand came by. That is
// nearly the client that was used least lately, and no use of a client moves another.
type known struct {
	entries map[string]*entry
	places  []*entry
	hand    int
}

// entry is a client and its place.
type entry struct {
	client *storage.Client // nil if it was removed
	until  time.Time
	used   bool // since the hand came by
}

func (k *known) get(id string, now time.Time) *storage.Client {
	e := k.entries[id]
	if e == nil || !now.Before(e.until) {
		return nil
	}
	e.used = true
	return e.client
}

func (k *known) add(client *storage.Client, until time.Time, size int) {
	e := k.entries[client.ID]
	if e == nil {
		e = k.place(size)
		k.entries[client.ID] = e
	}
	e.client, e.until = client, until
}

// place returns a place that is free.
func (k *known) place(size int) *entry {
	if k.entries == nil {
		k.entries = make(map[string]*entry)
	}
	if len(k.places) < size {
		k.places = append(k.places, new(entry))
		return k.places[len(k.places)-1]
	}
	for {
		e := k.places[k.hand]
		k.hand = (k.hand + 1) % len(k.places)
		if e.client != nil && e.used {
			e.used = false
			continue
		}
		if e.client != nil {
			delete(k.entries, e.client.ID)
		}
		*e = entry{}
		return e
	}
}

// remove leaves a place that the hand finds.
func (k *known) remove(id string) {
	if e := k.entries[id]; e != nil {
		delete(k.entries, id)
		*e = entry{}
	}
}

// unknown has the identifiers that the store did not have. If there is no room, the one
// that came first goes. It keeps digests: an identifier is as long as a stranger makes
// it.
type unknown struct {
	until  map[digest]time.Time
	places []digest
	next   int
}

type digest [sha256.Size]byte

func digestOf(id string) digest { return sha256.Sum256([]byte(id)) }

func (u *unknown) has(id string, now time.Time) bool {
	return len(u.until) > 0 && now.Before(u.until[digestOf(id)])
}

func (u *unknown) add(id string, until time.Time) {
	if u.until == nil {
		u.until = make(map[digest]time.Time)
	}
	d := digestOf(id)
	if _, there := u.until[d]; !there {
		if len(u.places) < mostUnknown {
			u.places = append(u.places, d)
		} else {
			delete(u.until, u.places[u.next])
			u.places[u.next] = d
			u.next = (u.next + 1) % mostUnknown
		}
	}
	u.until[d] = until
}

func (u *unknown) remove(id string) {
	if len(u.until) > 0 {
		delete(u.until, digestOf(id))
	}
}
