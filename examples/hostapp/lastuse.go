package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/contit/oauth/tokenendpoint"
)

// lastUse records when API keys were used. It learns this from the endpoint's events,
// and writes from a goroutine of its own, so that no token waits for it.
type lastUse struct {
	db   *database
	log  *slog.Logger
	uses chan keyUse
	once sync.Once
	stop chan struct{}
	done chan struct{}
}

type keyUse struct {
	id string
	at time.Time
}

func newLastUse(db *database, log *slog.Logger) *lastUse {
	l := &lastUse{db: db, log: log, uses: make(chan keyUse, 256), stop: make(chan struct{}), done: make(chan struct{})}
	go l.run()
	return l
}

// observe is for tokenendpoint.Config.Observe. A token that rests on a key, by
// a refresh too, is a use of it. When the queue is full the use is dropped: the
// next one says the same.
func (l *lastUse) observe(_ context.Context, e tokenendpoint.Event) {
	if e.APIKeyID == "" || e.Outcome != tokenendpoint.Issued {
		return
	}
	select {
	case l.uses <- keyUse{e.APIKeyID, e.Time}:
	default:
	}
}

func (l *lastUse) run() {
	defer close(l.done)
	for {
		select {
		case u := <-l.uses:
			l.write(u)
		case <-l.stop:
			for len(l.uses) > 0 {
				l.write(<-l.uses)
			}
			return
		}
	}
}

func (l *lastUse) write(u keyUse) {
	_, err := l.db.write.Exec(`UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?`,
		instant(u.at), u.id)
	if err != nil {
		l.log.Error("last use of an API key", "id", u.id, "cause", err)
	}
}

// Close writes the queue and ends. A use that is observed later is lost.
func (l *lastUse) Close() {
	l.once.Do(func() { close(l.stop) })
	<-l.done
}
