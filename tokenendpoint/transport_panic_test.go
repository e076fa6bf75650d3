package tokenendpoint_test

import (
	"context"
	"crypto"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/testbed"
	"github.com/contit/oauth/tokenendpoint/jws"
)

// a28StorePanics makes each method of a store panic before it does anything. So
// the credential of the request is good afterwards.
func a28StorePanics(t *testing.T) {
	f := testbed.New(t, openMemory, func(c *tokenendpoint.Config) {
		c.CodeReuseWindow, c.RefreshGrace = -1, -1
		c.Grants[grants.TypeClientCredentials] = grants.ClientCredentials{Refresh: true}
	})
	for method, request := range map[string]func() *testbed.Request{
		testbed.CallClient:           func() *testbed.Request { return testbed.ClientCredentials(f.C1) },
		testbed.CallCreateCredential: func() *testbed.Request { return testbed.ClientCredentials(f.C1) },
		testbed.CallCredential:       func() *testbed.Request { return f.Redeem(f.C1, f.Code(f.C1)) },
		testbed.CallSpend:            func() *testbed.Request { return testbed.Refresh(f.C1, f.RefreshToken(f.C1)) },
		testbed.CallAPIKey:           func() *testbed.Request { return testbed.PresentKey(f.C1, f.APIKey(f.C1)) },
	} {
		for _, kind := range []any{testbed.PanicText, io.ErrUnexpectedEOF, nil} {
			r := request()
			f.PanicIn(method, kind)
			f.Send(r).Broken(method)
			f.Send(r.JSON()).Broken(method)
			f.Store.Heal()
			f.Send(r).Tokens()
		}
	}
	replayed := f.Redeem(f.C1, f.Code(f.C1))
	token := f.Send(replayed).Tokens().RefreshToken
	f.PanicIn(testbed.CallRevoke, testbed.PanicText)
	f.Send(replayed).Broken(testbed.CallRevoke)
	f.Store.Heal()
	f.Send(testbed.Refresh(f.C1, token)).Tokens() // its family has not ended
}

// traps are callbacks of which one panics: the one that is armed.
type traps struct{ armed atomic.Value }

func (p *traps) spring(name string) {
	if p.armed.Load() == name {
		panic(testbed.PanicText)
	}
}

func (p *traps) Public() crypto.PublicKey { return testbed.SigningKey().Public() }

func (p *traps) Sign(rand io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	p.spring("Signer")
	return testbed.SigningKey().Sign(rand, digest, o)
}

func (p *traps) Reserve(context.Context, tokenendpoint.Attempt) (time.Duration, func(context.Context), error) {
	p.spring("Limiter.Reserve")
	return 0, func(context.Context) { p.spring("refund") }, nil
}

// set puts the traps into a configuration.
func (p *traps) set(t *testing.T) testbed.Option {
	keys, err := jws.NewKeySet(jws.Key{Signer: p})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *tokenendpoint.Config) {
		c.Keys, c.Limiter = keys, p
		c.RemoteAddr = func(*http.Request) netip.Addr {
			p.spring("RemoteAddr")
			return netip.Addr{}
		}
		c.Grants[grants.TypeAuthorizationCode] = grants.AuthorizationCode{
			Hook: func(context.Context, *grants.Request, *grants.Authorization) error {
				p.spring("Hook")
				return nil
			},
		}
		own := c.Grants[grants.TypeAuthorizationCode]
		c.Grants[grants.TypeAuthorizationCode] = grants.Func(func(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
			p.spring("Grant")
			return own.Authorize(ctx, r)
		})
	}
}

func a28CallbackPanics(t *testing.T) {
	p := new(traps)
	p.armed.Store("")
	f := testbed.New(t, openMemory, p.set(t))
	for _, name := range []string{"Signer", "Limiter.Reserve", "refund", "RemoteAddr", "Hook", "Grant"} {
		r := f.Redeem(f.C1, f.Code(f.C1))
		p.armed.Store(name)
		f.Send(r).Broken(name)
		f.Send(r.JSON()).Broken(name)
		p.armed.Store("")
		f.Send(r).Tokens()
	}
}

// a28ReportingPanics is about panics while the endpoint reports an answer: they
// cannot take the answer back, least of all one whose credential is used up.
func a28ReportingPanics(t *testing.T) {
	panics := func(context.Context, tokenendpoint.Event) { panic(testbed.PanicText) }
	for name, o := range map[string]testbed.Option{
		"Observe": func(c *tokenendpoint.Config) { c.Observe = panics },
		"Logger":  func(c *tokenendpoint.Config) { c.Logger = slog.New(panickingLog{c.Logger.Handler()}) },
		"both": func(c *tokenendpoint.Config) {
			c.Observe, c.Logger = panics, slog.New(panickingLog{c.Logger.Handler()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := testbed.New(t, openMemory, o)
			f.Send(f.Redeem(f.C1, f.Code(f.C1))).Tokens()
			f.Send(testbed.Form("grant_type", "nope")).Refused("unsupported_grant_type")
			f.PanicIn(testbed.CallClient, testbed.PanicText)
			f.Send(testbed.ClientCredentials(f.C1)).Broken("a store, and then " + name)
			f.Store.Heal()
			f.Send(testbed.ClientCredentials(f.C1)).Tokens()
		})
	}
}

// panickingLog is a log that cannot be written.
type panickingLog struct{ slog.Handler }

func (panickingLog) Handle(context.Context, slog.Record) error { panic(testbed.PanicText) }
