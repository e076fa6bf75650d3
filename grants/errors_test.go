package grants_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

func TestVerdict(t *testing.T) {
	described := grants.InvalidRequest.Describe("code is missing")
	for _, c := range []struct {
		name string
		err  error
		want *grants.Error // nil: no verdict
	}{
		{"no error", nil, nil},
		{"a code", grants.InvalidGrant, &grants.Error{Code: grants.InvalidGrant}},
		{"an error", described, described},
		{"a wrapped code", fmt.Errorf("hook: %w", grants.InvalidGrant), &grants.Error{Code: grants.InvalidGrant}},
		{"an error, wrapped twice", fmt.Errorf("a: %w", fmt.Errorf("b: %w", described)), described},
		{"the outermost of two", grants.InvalidGrant.Because(grants.InvalidClient), grants.InvalidGrant.Because(grants.InvalidClient)},
		{"an outage as the cause of a verdict", grants.InvalidGrant.Because(io.EOF), grants.InvalidGrant.Because(io.EOF)},
		{"an outage", io.EOF, nil},
		{"a wrapped outage", fmt.Errorf("store: %w", io.EOF), nil},
		{"a cancelled context", context.Canceled, nil},
		{"a sentinel of a store", storage.ErrNotFound, nil},
		{"a wrapped sentinel of a store", fmt.Errorf("store: %w", storage.ErrSpent), nil},
		{"several errors of which one is a code", errors.Join(io.EOF, grants.InvalidGrant), nil},
		{"several wrapped errors of which one is a code", fmt.Errorf("%w, %w", grants.InvalidGrant, io.EOF), nil},
		{"a text that reads like a code", errors.New("invalid_grant"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := grants.Verdict(c.err)
			if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
				t.Errorf("Verdict(%v) = %+v, want %+v", c.err, got, c.want)
			}
		})
	}
}

// A function that returns a nil *Error as an error has not granted the request.
func TestVerdictOfANilPointer(t *testing.T) {
	var none *grants.Error
	for name, err := range map[string]error{"as it is": none, "as a cause": &wrapping{none}} {
		if v := grants.Verdict(err); v == nil || v.Code != grants.ServerError || v.Cause == nil {
			t.Errorf("%s: got %+v, want server_error with a cause", name, v)
		}
	}
}

// wrapping is fmt.Errorf without its call of Error.
type wrapping struct{ error }

func (w *wrapping) Unwrap() error { return w.error }

func TestErrorsAreMatchedByCodeAndByCause(t *testing.T) {
	err := fmt.Errorf("grant: %w", grants.InvalidGrant.Describe("it is used up").Because(fmt.Errorf("store: %w", storage.ErrNotFound)))
	for _, c := range []struct {
		name   string
		target error
		want   bool
	}{
		{"its code", grants.InvalidGrant, true},
		{"another code", grants.InvalidClient, false},
		{"its cause", storage.ErrNotFound, true},
		{"another cause", storage.ErrSpent, false},
		{"a text that reads like its code", errors.New("invalid_grant"), false},
	} {
		if got := errors.Is(err, c.target); got != c.want {
			t.Errorf("%s: errors.Is(%v, %v) = %t, want %t", c.name, err, c.target, got, c.want)
		}
	}
	var e *grants.Error
	if !errors.As(err, &e) || e.Description != "it is used up" {
		t.Errorf("errors.As found %+v, want the error with its description", e)
	}
	var code grants.ErrorCode
	if wrapped := fmt.Errorf("x: %w", grants.InvalidScope); !errors.As(wrapped, &code) || code != grants.InvalidScope {
		t.Errorf("errors.As found the code %q, want invalid_scope", code)
	}
	if errors.Is(grants.InvalidGrant, grants.InvalidClient) || !errors.Is(grants.InvalidGrant, grants.InvalidGrant) {
		t.Error("a code is not itself, or is another")
	}
}

func TestDescribeAndBecauseChangeACopy(t *testing.T) {
	shared := grants.InvalidRequest.Describe("one")
	other := shared.Describe("two").Because(io.EOF)
	if shared.Description != "one" || shared.Cause != nil {
		t.Errorf("the shared error has become %+v", shared)
	}
	if want := (grants.Error{Code: grants.InvalidRequest, Description: "two", Cause: io.EOF}); *other != want {
		t.Errorf("got %+v, want %+v", *other, want)
	}
	if other.Because(nil).Cause != nil {
		t.Error("Because(nil) keeps the cause")
	}
}

func TestDescribePanicsOnWhatRFC6749Forbids(t *testing.T) {
	for name, describe := range map[string]func(){
		"quote":     func() { grants.InvalidRequest.Describe("a \"quoted\" word") },
		"backslash": func() { grants.InvalidRequest.Describe(`a\b`) },
		"newline":   func() { grants.InvalidRequest.Describe("a\nb") },
		"DEL":       func() { grants.InvalidRequest.Describe("\x7f") },
		"umlaut":    func() { (&grants.Error{}).Describe("für") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it did not panic")
				}
			}()
			describe()
		})
	}
	const all = " !#$%&'()*+,-./0123456789:;<=>?@AZ[]^_`az{|}~" // %x20-21 / %x23-5B / %x5D-7E
	if got := grants.InvalidRequest.Describe(all).Description; got != all {
		t.Errorf("the description is %q, want %q", got, all)
	}
}

func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"a code", grants.InvalidGrant, "invalid_grant"},
		{"a cause is for the log", grants.InvalidGrant.Because(io.EOF), "invalid_grant: EOF"},
		{"a description is for both", grants.InvalidRequest.Describe("code is missing"), "invalid_request: code is missing"},
		{"all of it", grants.InvalidRequest.Describe("code is missing").Because(io.EOF), "invalid_request: code is missing: EOF"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRateLimited(t *testing.T) {
	want := grants.Error{Code: grants.TemporarilyUnavailable, Limited: true, RetryAfter: time.Minute}
	if got := grants.RateLimited(time.Minute); *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
}
