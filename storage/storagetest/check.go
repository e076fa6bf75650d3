package storagetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/contit/oauth/storage"
)

// The comments that rules come from.
const (
	docPackage    = "the comment of package storage, What every method promises"
	docClient     = "the comment of storage.Clients.Client"
	docClientType = "the comment of storage.Client"
	docCreate     = "the comment of storage.Credentials.CreateCredential"
	docCredential = "the comment of storage.Credentials.Credential"
	docSpend      = "the comment of storage.Credentials.Spend"
	docRevoke     = "the comment of storage.Credentials.Revoke"
	docType       = "the comment of storage.Credential"
	docKind       = "the comment of storage.KindAuthorizationCode"
	docAPIKey     = "the comment of storage.APIKeys.APIKey"
	docAPIKeyType = "the comment of storage.APIKey"
)

// wantSame reports the fields in which a record is not as it must be.
func (t *tester) wantSame(what string, got, want any) {
	t.Helper()
	if d := differences(got, want); d != "" {
		t.Errorf("%s is not as it should be:%s", what, d)
	}
}

// wantErr reports an error that is not the one verdict, or nil, that it must be.
func (t *tester) wantErr(what string, got, want error) {
	t.Helper()
	switch {
	case want == nil && got != nil:
		t.Errorf("%s: got error %v, want none", what, got)
	case want != nil && !(errors.Is(got, want) && len(verdicts(got)) == 1):
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// verdicts lists the sentinels that err matches.
func verdicts(err error) []error {
	all := []error{storage.ErrNotFound, storage.ErrExists, storage.ErrSpent}
	return slices.DeleteFunc(all, func(sentinel error) bool { return !errors.Is(err, sentinel) })
}

func (t *tester) create(s storage.Credentials, c *storage.Credential) {
	t.Helper()
	if err := s.CreateCredential(t.ctx, c); err != nil {
		t.Fatalf("CreateCredential of a new credential: got error %v, want none", err)
	}
}

func (t *tester) find(s storage.Credentials, d storage.Digest) *storage.Credential {
	t.Helper()
	c, err := s.Credential(t.ctx, d)
	if err != nil {
		t.Fatalf("Credential of a digest that is there: got error %v, want none", err)
	}
	if c == nil {
		t.Fatalf("Credential of a digest that is there: got nil without an error")
	}
	return c
}

// created creates a credential and returns it as the store has it.
func (t *tester) created(s storage.Credentials, c *storage.Credential) *storage.Credential {
	t.Helper()
	t.create(s, c)
	return t.find(s, c.Digest)
}

func (t *tester) spend(s storage.Credentials, old, next *storage.Credential, at time.Time) {
	t.Helper()
	if err := s.Spend(t.ctx, old, next, at); err != nil {
		t.Fatalf("Spend of an unspent credential: got error %v, want none", err)
	}
}

func (t *tester) revoke(s storage.Credentials, family string) {
	t.Helper()
	if err := s.Revoke(t.ctx, family); err != nil {
		t.Fatalf("Revoke: got error %v, want none", err)
	}
}

// wantAbsent reports a record that must not be there.
func (t *tester) wantAbsent(s storage.Credentials, what string, d storage.Digest) {
	t.Helper()
	_, err := s.Credential(t.ctx, d)
	t.wantErr("Credential of "+what, err, storage.ErrNotFound)
}

// wantStored reports a record that is not there as it must be.
func (t *tester) wantStored(s storage.Credentials, what string, want *storage.Credential) {
	t.Helper()
	t.wantSame(what, t.find(s, want.Digest), want)
}

// crowd calls f in n goroutines that start at the same time, and waits.
func crowd(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			f(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// endedContexts returns a context that was cancelled and one that ran out.
func endedContexts(ctx context.Context) []context.Context {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	late, cancel := context.WithDeadline(ctx, time.Unix(1, 0))
	cancel()
	return []context.Context{cancelled, late}
}

// wantEnded reports an answer to an ended context that is none or a verdict.
// Drivers have errors of their own for it, so that any error will do; the log
// mentions one that does not tell why.
func (t *tester) wantEnded(what string, ctx context.Context, err error) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s with an ended context (%v): got no error", what, ctx.Err())
	case len(verdicts(err)) > 0:
		t.Errorf("%s with an ended context (%v): got %v, which is a verdict", what, ctx.Err(), err)
	case !errors.Is(err, ctx.Err()):
		t.Logf("%s with an ended context: got %v, which does not wrap %v", what, err, ctx.Err())
	}
}
