package jws_test

import (
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// story is the keys of a source from some time on, and the behaviour expected of the
// KeySet then. Times are since the start.
type story struct {
	at     time.Duration
	source string    // of undated keys; if empty, as before
	keys   []jws.Key // instead of source
	signs  string
	jwks   string
}

// play lets the KeySet see each chapter at its time. It is not asked in between,
// but to keep it from being idle.
func play(t *testing.T, chapters []story) {
	t.Helper()
	source := new(supply)
	var s *jws.KeySet
	now := time.Duration(0)
	for _, c := range chapters {
		for s != nil && c.at-now > time.Minute {
			now += 50 * time.Second
			must(s.Sign(t.Context(), jws.TypeJWT, []byte(payload), start.Add(now)))
		}
		now = c.at
		if c.keys != nil {
			source.set(c.keys...)
		} else if c.source != "" {
			source.set(list(c.source)...)
		}
		if s == nil {
			s = open(t, source, quick, start.Add(c.at))
		}
		name := "after " + c.at.String()
		signsWith(t, name, s, start.Add(c.at), c.signs)
		publishes(t, name, s, start.Add(c.at), strings.Fields(c.jwks)...)
	}
}

func TestTimesOfUndatedKeys(t *testing.T) {
	const hour = time.Hour
	for name, chapters := range map[string][]story{
		"one key signs at once and for ever": {
			{0, "a", nil, "a", "a"}, {hour, "", nil, "a", "a"},
		},
		"of several keys the first signs until the others have been there for Lead": {
			{0, "a b c", nil, "a", "a b c"}, {lead - 1, "", nil, "a", "a b c"}, {lead, "", nil, "c", "a b c"},
		},
		"a key that is added signs when Lead has passed, and the old one is published as long as it is there": {
			{0, "a", nil, "a", "a"}, {hour, "a b", nil, "a", "a b"}, {hour + lead - 1, "", nil, "a", "a b"},
			{hour + lead, "", nil, "b", "a b"}, {10 * hour, "", nil, "b", "a b"},
			{11 * hour, "b", nil, "b", "a b"}, {11*hour + keep - 1, "", nil, "b", "a b"}, {11*hour + keep + reload, "", nil, "b", "b"},
		},
		"two keys that are added one after the other": {
			{0, "a", nil, "a", "a"}, {hour, "a b", nil, "a", "a b"}, {hour + time.Minute, "a b c", nil, "a", "a b c"},
			{hour + lead, "", nil, "b", "a b c"}, {hour + time.Minute + lead - 1, "", nil, "b", "a b c"}, {hour + time.Minute + lead, "", nil, "c", "a b c"},
		},
		"a key that is replaced signs until its successor does": {
			{0, "a", nil, "a", "a"}, {hour, "b", nil, "a", "a b"}, {hour + lead - 1, "", nil, "a", "a b"}, {hour + lead, "", nil, "b", "a b"},
			{hour + lead + keep - 1, "", nil, "b", "a b"}, {hour + lead + keep + reload, "", nil, "b", "b"},
		},
		"a key that is replaced again before it has signed": {
			{0, "a", nil, "a", "a"}, {hour, "b", nil, "a", "a b"}, {hour + time.Minute, "c", nil, "a", "a b c"},
			{hour + lead, "", nil, "a", "a b c"}, {hour + time.Minute + lead, "", nil, "c", "a b c"},
			{hour + time.Minute + keep + reload, "", nil, "c", "a c"}, {hour + time.Minute + lead + keep - 1, "", nil, "c", "a c"},
			{hour + time.Minute + lead + keep + reload, "", nil, "c", "c"},
		},
		"a roll-back takes effect at once, and the tokens of the new key stay good": {
			{0, "a", nil, "a", "a"}, {hour, "a b", nil, "a", "a b"}, {2 * hour, "", nil, "b", "a b"},
			{3 * hour, "a", nil, "a", "b a"}, {3*hour + keep - 1, "", nil, "a", "b a"}, {3*hour + keep + reload, "", nil, "a", "a"},
		},
		"a roll-back before the new key has signed": {
			{0, "a", nil, "a", "a"}, {hour, "a b", nil, "a", "a b"}, {hour + lead - 1, "a", nil, "a", "b a"},
			{2 * hour, "", nil, "a", "a"}, {3 * hour, "", nil, "a", "a"},
		},
		"a key that comes back waits for Lead again": {
			{0, "a", nil, "a", "a"}, {hour, "a b", nil, "a", "a b"}, {hour + lead - 1, "a", nil, "a", "b a"},
			{hour + lead + time.Minute, "a b", nil, "a", "a b"}, {hour + lead + time.Minute + lead - 1, "", nil, "a", "a b"},
			{hour + lead + time.Minute + lead, "", nil, "b", "a b"},
		},
		"a key that comes back while it stands in goes on": {
			{0, "a", nil, "a", "a"}, {hour, "b", nil, "a", "a b"}, {hour + time.Minute, "a", nil, "a", "b a"}, {2 * hour, "", nil, "a", "a"},
		},
		"a key that comes back when its successor has signed": {
			{0, "a", nil, "a", "a"}, {hour, "b", nil, "a", "a b"}, {hour + lead, "", nil, "b", "a b"}, {hour + lead + time.Minute, "a", nil, "b", "b a"},
			{hour + time.Minute + 2*lead - 1, "", nil, "b", "b a"}, {hour + time.Minute + 2*lead, "", nil, "a", "b a"},
		},
		"a new order before the new key may sign": {
			{0, "a", nil, "a", "a"}, {hour, "a b", nil, "a", "a b"}, {hour + time.Minute, "b a", nil, "a", "b a"}, {2 * hour, "", nil, "a", "b a"},
		},
		"a new order when the new key has signed": {
			{0, "a", nil, "a", "a"}, {hour, "a b", nil, "a", "a b"}, {2 * hour, "", nil, "b", "a b"}, {3 * hour, "b a", nil, "a", "b a"},
		},
		"a key that is put before the others never signs": {
			{0, "b", nil, "b", "b"}, {hour, "a b", nil, "b", "a b"}, {2 * hour, "", nil, "b", "a b"},
		},
		"the middle of three keys is taken out while it signs": {
			{0, "a b", nil, "a", "a b"}, {hour, "a b c", nil, "b", "a b c"}, {hour + time.Minute, "a c", nil, "a", "b a c"}, {hour + lead, "", nil, "c", "b a c"},
		},
		"a public key is published and does not sign": {
			{0, "A b C", nil, "b", "a b c"}, {hour, "", nil, "b", "a b c"}, {hour + 1, "b", nil, "b", "a b c"},
		},
		"a private key becomes public when another has signed": {
			{0, "a", nil, "a", "a"}, {hour, "a b", nil, "a", "a b"}, {hour + lead, "A b", nil, "b", "a b"}, {10 * hour, "", nil, "b", "a b"},
		},
		"a private key becomes public before another may sign": {
			{0, "a", nil, "a", "a"}, {hour, "A b", nil, "a", "a b"}, {hour + lead - 1, "", nil, "a", "a b"}, {hour + lead, "", nil, "b", "a b"},
		},
		"a public key becomes private, and has been published already": {
			{0, "a B", nil, "a", "a b"}, {hour, "a b", nil, "b", "a b"},
		},
	} {
		t.Run(name, func(t *testing.T) { play(t, chapters) })
	}
}

func TestTimesOfDatedKeys(t *testing.T) {
	const hour = time.Hour
	old, now := start.Add(-30*day), start
	at := func(d time.Duration) time.Time { return now.Add(d) }
	a := dated("a", old)
	for name, chapters := range map[string][]story{
		"the last key that has been announced for Lead signs": {
			{0, "", []jws.Key{a, dated("b", at(-lead)), dated("c", at(-lead+1))}, "b", "a b c"}, {1, "", nil, "c", "a b c"},
		},
		"the first key signs before any has been announced for Lead": {
			{0, "", []jws.Key{dated("a", at(0)), dated("b", at(time.Second))}, "a", "a b"}, {lead, "", nil, "a", "a b"}, {lead + time.Second, "", nil, "b", "a b"},
		},
		"a key whose times are over is not published": {
			{0, "", []jws.Key{a, dated("b", at(-lead-keep))}, "b", "b"},
		},
		"a key whose times are not over is published": {
			{0, "", []jws.Key{a, dated("b", at(-lead-keep+1))}, "b", "a b"}, {reload, "", nil, "b", "b"},
		},
		"a key is published for Keep after its successor has begun, and is left out by the source then": {
			{0, "", []jws.Key{a}, "a", "a"}, {hour, "", []jws.Key{a, dated("b", at(hour))}, "a", "a b"}, {hour + lead, "", nil, "b", "a b"},
			{hour + lead + keep - 1, "", nil, "b", "a b"}, {hour + lead + keep + reload, "", []jws.Key{dated("b", at(hour))}, "b", "b"},
		},
		"a key that is seen late signs with the others": {
			{0, "", []jws.Key{a}, "a", "a"}, {hour, "", []jws.Key{a, dated("b", at(hour-time.Minute))}, "a", "a b"},
			{hour + lead - time.Minute - 1, "", nil, "a", "a b"}, {hour + lead - time.Minute, "", nil, "b", "a b"},
		},
		"a key that was not there when it is said to have been waits for Lead": {
			{0, "", []jws.Key{a}, "a", "a"}, {hour, "", []jws.Key{a, dated("b", at(hour-10*time.Minute))}, "a", "a b"},
			{hour + lead - 1, "", nil, "a", "a b"}, {hour + lead, "", nil, "b", "a b"},
		},
		"a roll-back to a key that was over waits for Lead": {
			{0, "", []jws.Key{a, dated("b", at(-20*day))}, "b", "b"}, {hour, "", []jws.Key{a}, "b", "b a"},
			{hour + lead - 1, "", nil, "b", "b a"}, {hour + lead, "", nil, "a", "b a"}, {hour + lead + keep + reload, "", nil, "a", "a"},
		},
		"a roll-back to a key that is published takes effect at once": {
			{0, "", []jws.Key{a, dated("b", at(-lead))}, "b", "a b"}, {time.Minute, "", []jws.Key{a}, "a", "b a"}, {time.Minute + keep - 1, "", nil, "a", "b a"},
			{time.Minute + keep + reload, "", nil, "a", "a"},
		},
		"a new order keeps the tokens of the key that has signed": {
			{0, "", []jws.Key{a, dated("b", at(-lead))}, "b", "a b"}, {time.Minute, "", []jws.Key{dated("b", at(-lead)), a}, "a", "b a"},
			{time.Minute + keep - 1, "", nil, "a", "b a"}, {time.Minute + keep + reload, "", nil, "a", "a"},
		},
		"a date in the future": {
			{0, "", []jws.Key{a}, "a", "a"}, {hour, "", []jws.Key{a, dated("b", at(2*hour))}, "a", "a b"}, {2*hour + lead - 1, "", nil, "a", "a b"}, {2*hour + lead, "", nil, "b", "a b"},
		},
		"dates in another order than the keys": {
			{0, "", []jws.Key{dated("a", at(0)), dated("b", old)}, "b", "b"}, {hour, "", nil, "b", "b"},
		},
		"all keys are replaced": {
			{0, "", []jws.Key{a}, "a", "a"}, {hour, "", []jws.Key{dated("b", at(hour))}, "a", "a b"}, {hour + lead, "", nil, "b", "a b"},
			{hour + lead + keep + reload, "", nil, "b", "b"},
		},
		"a public key is published as long as it is there": {
			{0, "", []jws.Key{{Public: numbered('a').Public(), ID: "a", AnnouncedAt: old}, dated("b", old), dated("c", at(-lead-keep))}, "c", "a c"},
			{5 * hour, "", nil, "c", "a c"},
		},
		"a dated key behind an undated one": {
			{0, "a", nil, "a", "a"}, {hour, "", []jws.Key{secret("a"), dated("b", at(hour))}, "a", "a b"}, {hour + lead, "", nil, "b", "a b"}, {5 * hour, "", nil, "b", "a b"},
		},
	} {
		t.Run(name, func(t *testing.T) { play(t, chapters) })
	}
}

// A KeySet that was idle for long has missed the changes of the others.
func TestIdleKeySetBeginsAnew(t *testing.T) {
	idle := quick.CacheLifetime + 2*reload
	for _, tt := range []struct {
		name        string
		after       time.Duration
		before, now []jws.Key
		signs, jwks string
	}{
		{"not yet idle: the old key stands in", idle - 1, list("a"), list("b"), "a", "a b"},
		{"the new key signs: the others may have forgotten the old one", idle, list("a"), list("b"), "b", "a b"},
		{"the new key waits if the old one is still there", day, list("a"), list("a b"), "a", "a b"},
		{"what had begun goes on", day, list("a b"), list("a b"), "b", "a b"},
		{"dated keys have their times", day, []jws.Key{dated("a", start.Add(-day))},
			[]jws.Key{dated("a", start.Add(-day)), dated("b", start.Add(time.Hour)), dated("c", start.Add(day))}, "b", "b c"},
		{"a dated key that has been left out meanwhile is gone", day, []jws.Key{dated("a", start.Add(-day))},
			[]jws.Key{dated("b", start.Add(time.Hour)), dated("c", start.Add(day))}, "b", "b c"},
		{"an undated key that has been left out meanwhile may have signed elsewhere", day, list("a"), list("b c"), "b", "a b c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			source := &supply{keys: tt.before}
			s := open(t, source, quick, start)
			source.set(tt.now...)
			at := start.Add(tt.after)
			signsWith(t, tt.name, s, at, tt.signs)
			publishes(t, tt.name, s, at, strings.Fields(tt.jwks)...)
		})
	}
}
