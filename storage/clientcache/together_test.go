package clientcache_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/clientcache"
)

// slow is a store that answers a second after it was asked, and not to a caller whose
// context has ended.
type slow struct {
	asked  atomic.Int64
	answer func(n int64) (*storage.Client, error)
}

// Client implements [storage.Clients].
func (s *slow) Client(ctx context.Context, _ string) (*storage.Client, error) {
	n := s.asked.Add(1)
	select {
	case <-time.After(time.Second):
		return s.answer(n)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func app(int64) (*storage.Client, error) { return &storage.Client{ID: "app"}, nil }

// result is the answer that a caller got.
type result struct {
	client *storage.Client
	err    error
}

// call lets n callers want a client at once.
func call(ctx context.Context, c *clientcache.Cache, n int) <-chan result {
	results := make(chan result, n)
	for range n {
		go func() {
			defer func() {
				if r := recover(); r != nil {
					results <- result{nil, r.(error)}
				}
			}()
			client, err := c.Client(ctx, "app")
			results <- result{client, err}
		}()
	}
	synctest.Wait()
	return results
}

// want reads the results of n callers.
func want(t *testing.T, what string, results <-chan result, n int, err error) {
	t.Helper()
	seen := make(map[*storage.Client]bool)
	for range n {
		r := <-results
		if !errors.Is(r.err, err) || (r.client != nil) != (err == nil) {
			t.Errorf("%s: got %v and error %v, want error %v", what, r.client, r.err, err)
		}
		if r.client != nil && seen[r.client] {
			t.Errorf("%s: two callers got one record, want copies", what)
		}
		seen[r.client] = true
	}
}

// together runs a test with a store that is slow.
func together(t *testing.T, answer func(int64) (*storage.Client, error), f func(t *testing.T, s *slow, c *clientcache.Cache)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{answer: answer}
		c := newCache(t, s, clientcache.Config{Staleness: 10 * time.Second})
		f(t, s, c)
		synctest.Wait()
		if _, _, asked := c.Kept(); asked != 0 {
			t.Errorf("the cache has %d questions in the end, want none", asked)
		}
	})
}

// wantQuestions checks how often the store was asked.
func wantQuestions(t *testing.T, what string, s *slow, n int64) {
	t.Helper()
	synctest.Wait()
	if got := s.asked.Load(); got != n {
		t.Errorf("%s: the store was asked %d times, want %d", what, got, n)
	}
}

func TestManyCallersAskOnce(t *testing.T) {
	together(t, app, func(t *testing.T, s *slow, c *clientcache.Cache) {
		want(t, "callers at once", call(t.Context(), c, 50), 50, nil)
		want(t, "callers after that", call(t.Context(), c, 50), 50, nil)
		wantQuestions(t, "a hundred callers", s, 1)
	})
}

func TestACallerThatLeavesEndsItsOwnCallAlone(t *testing.T) {
	together(t, app, func(t *testing.T, s *slow, c *clientcache.Cache) {
		leaving, leave := context.WithCancel(t.Context())
		first := call(leaving, c, 1) // it asks
		others, waiting := call(t.Context(), c, 10), call(leaving, c, 5)
		wantQuestions(t, "before the caller leaves", s, 1)
		leave()
		want(t, "the caller that asked, and left", first, 1, context.Canceled)
		want(t, "callers that waited, and left", waiting, 5, context.Canceled)
		wantQuestions(t, "when it has left", s, 2)
		want(t, "the others", others, 10, nil)
	})
}

func TestAnOutageIsOneForAll(t *testing.T) {
	outage := errors.New("the database is down")
	together(t, func(n int64) (*storage.Client, error) {
		if n == 1 {
			return nil, outage
		}
		return app(n)
	}, func(t *testing.T, s *slow, c *clientcache.Cache) {
		want(t, "callers in the outage", call(t.Context(), c, 20), 20, outage)
		want(t, "callers after it", call(t.Context(), c, 20), 20, nil)
		wantQuestions(t, "both", s, 2)
	})
}

func TestUnknownIsUnknownForAll(t *testing.T) {
	together(t, func(int64) (*storage.Client, error) { return nil, storage.ErrNotFound }, func(t *testing.T, s *slow, c *clientcache.Cache) {
		want(t, "callers at once", call(t.Context(), c, 20), 20, storage.ErrNotFound)
		wantQuestions(t, "twenty callers", s, 1)
	})
}

func TestAPanicIsTheCallersOwn(t *testing.T) {
	errPanic := errors.New("the driver panics")
	together(t, func(n int64) (*storage.Client, error) {
		if n == 1 {
			panic(errPanic)
		}
		return app(n)
	}, func(t *testing.T, s *slow, c *clientcache.Cache) {
		first := call(t.Context(), c, 1)
		others := call(t.Context(), c, 10)
		want(t, "the caller that asked", first, 1, errPanic)
		want(t, "the others", others, 10, nil)
		wantQuestions(t, "both", s, 2)
	})
}

func TestForgetWhileTheStoreIsAsked(t *testing.T) {
	together(t, app, func(t *testing.T, s *slow, c *clientcache.Cache) {
		before := call(t.Context(), c, 3)
		c.Forget("app")
		after := call(t.Context(), c, 3)
		wantQuestions(t, "before and after", s, 2)
		want(t, "callers before", before, 3, nil)
		want(t, "callers after", after, 3, nil)
		want(t, "callers later", call(t.Context(), c, 3), 3, nil)
		wantQuestions(t, "all", s, 2)
	})
}

// TestNobodyJoinsAnOldQuestion has a store that hangs for longer than Staleness. Its
// answer may be from the beginning.
func TestNobodyJoinsAnOldQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{answer: app}
		c := newCache(t, s, clientcache.Config{Staleness: time.Second / 2})
		first := call(t.Context(), c, 1)
		time.Sleep(time.Second/2 - 1)
		second := call(t.Context(), c, 1)
		wantQuestions(t, "a caller within Staleness", s, 1)
		time.Sleep(time.Nanosecond)
		third := call(t.Context(), c, 1)
		wantQuestions(t, "a caller after Staleness", s, 2)
		for _, results := range []<-chan result{first, second, third} {
			want(t, "each", results, 1, nil)
		}
		want(t, "a caller for whom both answers are too old", call(t.Context(), c, 1), 1, nil)
		wantQuestions(t, "all", s, 3)
	})
}
