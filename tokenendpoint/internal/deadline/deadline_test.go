package deadline_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contit/oauth/tokenendpoint/internal/deadline"
)

func TestContext(t *testing.T) {
	errLeft := errors.New("the client has left")
	for _, tt := range []struct {
		name string
		act  func(d *deadline.Context, leave context.CancelCauseFunc)
		want error
	}{
		{"goes on before its instant", func(*deadline.Context, context.CancelCauseFunc) { time.Sleep(time.Second - 1) }, nil},
		{"ends at its instant", func(*deadline.Context, context.CancelCauseFunc) { time.Sleep(time.Second) }, context.DeadlineExceeded},
		{"ends with its parent", func(_ *deadline.Context, leave context.CancelCauseFunc) { leave(errLeft) }, context.Canceled},
		{"ends with its work", func(d *deadline.Context, _ context.CancelCauseFunc) { d.End() }, context.Canceled},
	} {
		for _, waited := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				parent, leave := context.WithCancelCause(t.Context())
				defer leave(nil)
				d := new(deadline.Context)
				ctx := d.Begin(parent, time.Now().Add(time.Second))
				defer d.End()
				child := context.Context(ctx)
				if waited {
					var cancel context.CancelFunc
					child, cancel = context.WithCancel(ctx)
					defer cancel()
				}
				tt.act(d, leave)
				synctest.Wait()
				if ctx.Err() != tt.want || child.Err() != tt.want {
					t.Errorf("%s: got %v and of a child %v, want %v", tt.name, ctx.Err(), child.Err(), tt.want)
				}
				select {
				case <-ctx.Done():
					if tt.want == nil {
						t.Errorf("%s: it is done", tt.name)
					}
				default:
					if tt.want != nil {
						t.Errorf("%s: it is not done", tt.name)
					}
				}
			})
		}
	}
}

// The end of a parent that comes first is the end.
func TestContextEndsNoLaterThanItsParent(t *testing.T) {
	at := time.Now().Add(time.Second)
	parent, cancel := context.WithDeadline(t.Context(), at)
	defer cancel()
	d := new(deadline.Context)
	defer d.End()
	if got, ok := d.Begin(parent, at.Add(time.Minute)).Deadline(); !ok || !got.Equal(at) {
		t.Errorf("got %v, %t, want %v", got, ok, at)
	}
}
