package jws_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/jws"
)

// outlast is how long a KeySet goes on with its last keys.
func outlast(r jws.Rotation) time.Duration { return r.CacheLifetime + 2*r.Reload() }

// signNow signs at the time of the bubble.
func signNow(ctx context.Context, s *jws.KeySet) error {
	_, err := s.Sign(ctx, jws.TypeJWT, []byte(payload), time.Now())
	return err
}

func TestKeysAreLoadedWhenTheyAreDue(t *testing.T) {
	source := &supply{keys: list("a")}
	s := open(t, source, quick, start)
	for _, tt := range []struct {
		after time.Duration
		want  int // calls in all
	}{
		{0, 1}, {reload - 1, 1}, {-30 * time.Second, 1}, {reload, 2}, {reload, 2}, {2*reload - 1, 2}, {2 * reload, 3},
		{time.Hour, 4}, {time.Hour, 4}, {time.Hour - time.Minute, 4},
		{0, 5}, // the clock was put back
		{reload - 1, 5}, {reload, 6},
	} {
		signsWith(t, tt.after.String(), s, start.Add(tt.after), "a")
		if got := source.called(); got != tt.want {
			t.Errorf("%s: the source was called %d times, want %d", tt.after, got, tt.want)
		}
	}
}

// Verifying and publishing load as well as signing does.
func TestEveryUseLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &supply{keys: list("a")}
		s := open(t, source, quick, time.Now())
		for name, use := range map[string]func(){
			"Sign":      func() { signNow(t.Context(), s) },
			"PublicKey": func() { s.PublicKey(t.Context(), "a", time.Now()) },
			"ServeHTTP": func() { serve(s, "GET", nil) },
			"HEAD":      func() { serve(s, "HEAD", nil) },
		} {
			before := source.called()
			time.Sleep(reload)
			use()
			if got := source.called() - before; got != 1 {
				t.Errorf("%s: the source was called %d times, want once", name, got)
			}
		}
	})
}

func TestSourceThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := jws.Rotation{CacheLifetime: 5 * time.Minute, Delay: -1, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		source := &supply{keys: list("a")}
		s := open(t, source, r, time.Now())
		opened := time.Now()
		source.before = fails
		for time.Since(opened) < outlast(r) {
			if err := signNow(t.Context(), s); err != nil {
				t.Fatalf("Sign %s after the last load = %v, want no error", time.Since(opened), err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		// The first attempt when the keys are 30 seconds old, then one in 5.
		if got, want := source.called(), 1+int((outlast(r)-r.Reload())/(5*time.Second)); got != want {
			t.Errorf("the source was called %d times, want %d", got, want)
		}
		for range 3 {
			err := signNow(t.Context(), s)
			if err == nil || !errors.Is(err, errOutage) || !strings.HasPrefix(err.Error(), "jws: the keys could not be loaded for too long: ") {
				t.Errorf("Sign = %v, want an error that wraps %v", err, errOutage)
			}
			if _, err := s.PublicKey(t.Context(), "a", time.Now()); !errors.Is(err, errOutage) || errors.Is(err, jws.ErrUnknownKey) {
				t.Errorf("PublicKey = %v, want %v", err, errOutage)
			}
			if _, _, err := jws.Verify(t.Context(), s, "e30.e30.", jws.TypeJWT, time.Now()); !errors.Is(err, jws.ErrInvalid) {
				t.Errorf("Verify of a text that is no token = %v, want ErrInvalid", err)
			}
			got := serve(s, "GET", nil)
			if got.StatusCode != 503 || got.Header.Get("Retry-After") != "2" || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("ETag") != "" {
				t.Errorf("GET = %d %v, want 503 with Retry-After", got.StatusCode, got.Header)
			}
			time.Sleep(time.Hour)
		}
		if want := 1 + int((outlast(r)-r.Reload())/(5*time.Second)) + 3; source.called() != want {
			t.Errorf("the source was called %d times, want %d: once for each use when it is due", source.called(), want)
		}
		source.before = nil
		if err := signNow(t.Context(), s); err != nil {
			t.Errorf("Sign when the source is there again = %v, want no error", err)
		}
		if got := serve(s, "GET", nil); got.StatusCode != 200 || got.Header.Get("Cache-Control") != "public, max-age=300" {
			t.Errorf("GET when the source is there again = %d %v, want 200 with the full max-age", got.StatusCode, got.Header)
		}
		if text := log.String(); strings.Count(text, "keys cannot be loaded") != 1 || strings.Count(text, "keys are loaded again") != 1 ||
			!strings.Contains(text, errOutage.Error()) || !strings.Contains(text, "usable_until="+opened.Add(outlast(r)).Format("2006-01-02T15:04:05.000Z")) {
			t.Errorf("the log has other than one failure and one recovery:\n%s", text)
		}
	})
}

func TestMaxAgeIsNoLongerThanTheKeysAreComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quiet
		source := &supply{keys: list("a")}
		s := open(t, source, r, time.Now())
		source.before = fails
		opened := time.Now()
		for _, tt := range []struct {
			after time.Duration
			want  string
		}{
			{0, "300"}, {time.Minute, "300"}, {time.Minute + 1, "299"}, {time.Minute + time.Second, "299"}, {2 * time.Minute, "240"}, {4*time.Minute + 1, "119"},
			{6*time.Minute - time.Second, "1"}, {6*time.Minute - 1, "0"},
		} {
			time.Sleep(tt.after - time.Since(opened))
			if got := serve(s, "GET", nil); got.StatusCode != 200 || got.Header.Get("Cache-Control") != "public, max-age="+tt.want {
				t.Errorf("%s after the last load: %d, Cache-Control %q, want max-age %s", tt.after, got.StatusCode, got.Header.Get("Cache-Control"), tt.want)
			}
		}
	})
}

// hangs waits until the load is given up.
func hangs(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestSourceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &supply{keys: list("a")}
		s := open(t, source, quiet, time.Now())
		source.before = hangs
		time.Sleep(time.Minute)
		began := time.Now()
		var crowd sync.WaitGroup
		var waited atomic.Int32
		for range 50 {
			crowd.Go(func() {
				err := signNow(t.Context(), s)
				took := time.Since(began)
				if took > 0 {
					waited.Add(1)
				}
				if err != nil || took > time.Second {
					t.Errorf("Sign = %v after %s, want no error within a second", err, took)
				}
			})
		}
		crowd.Wait()
		if waited.Load() != 1 {
			t.Errorf("%d callers have waited, want one", waited.Load())
		}
		for _, tt := range []struct{ after, takes time.Duration }{
			{time.Second, 0}, {5*time.Second - 1, 0}, {5 * time.Second, time.Second}, {6*time.Second + 1, 0}, {10 * time.Second, time.Second},
		} {
			time.Sleep(tt.after - time.Since(began))
			now := time.Now()
			if err := signNow(t.Context(), s); err != nil || time.Since(now) != tt.takes {
				t.Errorf("%s after the first attempt: Sign = %v after %s, want no error after %s", tt.after, err, time.Since(now), tt.takes)
			}
		}
	})
}

// If there are no last keys, the callers that wait share one attempt.
func TestSourceThatHangsWhenKeysAreTooOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &supply{keys: list("a")}
		s := open(t, source, quiet, time.Now())
		source.before = hangs
		time.Sleep(time.Hour)
		began, before := time.Now(), source.called()
		var crowd sync.WaitGroup
		var early atomic.Int32
		for i := range 50 {
			crowd.Go(func() {
				ctx := t.Context()
				if i%2 == 1 { // a caller whose context ends earlier, unless it loads
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, 300*time.Millisecond)
					defer cancel()
				}
				err := signNow(ctx, s)
				took := time.Since(began)
				if err == nil || took > time.Second {
					t.Errorf("Sign = %v after %s, want an error within a second", err, took)
				}
				if took <= 300*time.Millisecond {
					early.Add(1)
				}
			})
		}
		crowd.Wait()
		if n := early.Load(); n < 24 || n > 25 {
			t.Errorf("%d callers returned when they had no more time, want those 25, or all but the one that loads", n)
		}
		if got := source.called() - before; got != 1 {
			t.Errorf("the source was called %d times, want once", got)
		}
		source.before = nil
		time.Sleep(5*time.Second - time.Since(began))
		for range 50 {
			crowd.Go(func() {
				if err := signNow(t.Context(), s); err != nil {
					t.Errorf("Sign = %v, want no error", err)
				}
			})
		}
		crowd.Wait()
		if got := source.called() - before; got != 2 {
			t.Errorf("the source was called %d times, want twice", got)
		}
	})
}

func TestSourceThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &supply{keys: list("a")}
		s := open(t, source, quiet, time.Now())
		source.before = func(context.Context) error { panic("a nil map") }
		time.Sleep(time.Minute)
		panics := func() (p any) {
			defer func() { p = recover() }()
			if err := signNow(t.Context(), s); err != nil {
				t.Errorf("Sign = %v, want no error", err)
			}
			return nil
		}
		for _, tt := range []struct {
			after time.Duration
			want  any
		}{{0, "a nil map"}, {0, nil}, {5*time.Second - 1, nil}, {1, "a nil map"}, {0, nil}} {
			time.Sleep(tt.after)
			if got := panics(); got != tt.want {
				t.Errorf("Sign panics with %v, want %v", got, tt.want)
			}
		}
		source.before = nil
		time.Sleep(time.Hour)
		if got := panics(); got != nil {
			t.Errorf("Sign panics with %v when the source is there again", got)
		}
	})
}

// A caller that gives up takes nothing from the others.
func TestLoadOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &supply{keys: list("a")}
		s := open(t, source, quiet, time.Now())
		source.set(list("a b")...)
		time.Sleep(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		type key struct{}
		source.before = func(ctx context.Context) error {
			cancel()
			time.Sleep(500 * time.Millisecond)
			if ctx.Value(key{}) != "trace" {
				t.Error("the source lacks the values of the context")
			}
			return ctx.Err()
		}
		s.PublicKey(context.WithValue(ctx, key{}, "trace"), "a", time.Now())
		publishes(t, "the next caller", s, time.Now(), "a", "b")
		if got := source.called(); got != 2 {
			t.Errorf("the source was called %d times, want twice", got)
		}
	})
}

func TestFirstLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if s, err := jws.OpenKeySet(ctx, &supply{before: hangs}, quiet, time.Now()); s != nil || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("OpenKeySet = %v, %v after %s, want the error of its context", s, err, time.Since(began))
		}
		if s, err := jws.OpenKeySet(t.Context(), &supply{before: fails}, quiet, time.Now()); s != nil || !errors.Is(err, errOutage) || !strings.HasPrefix(err.Error(), "jws: load keys: ") {
			t.Errorf("OpenKeySet = %v, %v, want jws: load keys: …", s, err)
		}
	})
}

// A clock that is put back while the source fails does not keep the KeySet from
// trying again.
func TestClockIsPutBackWhileTheSourceFails(t *testing.T) {
	source := &supply{keys: list("a")}
	s := open(t, source, quiet, start)
	source.before = fails
	for _, after := range []time.Duration{time.Minute, -time.Hour, -time.Hour + time.Second, -time.Hour + time.Minute} {
		signsWith(t, after.String(), s, start.Add(after), "a")
	}
	if got, want := source.called(), 4; got != want {
		t.Errorf("the source was called %d times, want %d", got, want)
	}
	source.set(list("a b")...)
	source.before = nil
	publishes(t, "recovered", s, start.Add(-time.Hour+2*time.Minute), "a", "b")
}

// TestCrowdWhileKeysRotate is for the race detector: the source is never called
// twice at once, and every token verifies.
func TestCrowdWhileKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const replicas, crowd = 2, 25
		store := new(shelf)
		r := jws.Rotation{TokenLifetime: time.Minute, CacheLifetime: time.Minute, Delay: -1}
		var busy [replicas]atomic.Int32
		var sets [replicas]*jws.KeySet
		for i := range sets {
			source := must(jws.NewStoredKeys(jws.StoredKeysConfig{
				Store: store, KeyEncryptionKeys: []jws.KeyEncryptionKey{kek(1)}, Algorithm: jws.EdDSA, Period: 2 * time.Minute,
			}))
			sets[i] = open(t, jws.KeySourceFunc(func(ctx context.Context, r jws.Rotation, at time.Time) ([]jws.Key, error) {
				if busy[i].Add(1) != 1 {
					t.Error("a source is called twice at once")
				}
				defer busy[i].Add(-1)
				return source.Keys(ctx, r, at)
			}), r, time.Now())
		}
		var all sync.WaitGroup
		var seen sync.Map
		for i := range replicas * crowd {
			all.Go(func() {
				mine, others := sets[i%replicas], sets[(i+1)%replicas]
				for n := range 30 {
					token, err := mine.Sign(t.Context(), jws.TypeJWT, fmt.Appendf(nil, `{"n":%d}`, n), time.Now())
					if err != nil {
						t.Errorf("Sign = %v, want no error", err)
						return
					}
					time.Sleep(time.Duration(1+i*7%13) * time.Second)
					_, key, err := jws.Verify(t.Context(), others, token, jws.TypeJWT, time.Now())
					if err != nil {
						t.Errorf("Verify = %v, want no error", err)
						return
					}
					seen.Store(key.ID(), true)
					serve(mine, "GET", nil)
				}
			})
		}
		all.Wait()
		n := 0
		seen.Range(func(any, any) bool { n++; return true })
		if n < 3 {
			t.Errorf("%d keys have signed, want some", n)
		}
	})
}
