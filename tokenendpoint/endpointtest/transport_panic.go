package endpointtest

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
	"github.com/contit/oauth/tokenendpoint/jws"
)

// a28StorePanics makes each method of a store panic before it does anything. So
// what the request rests on is good afterwards.
func a28StorePanics(t *testing.T, open opener) {
	f := newFixture(t, open, func(c *tokenendpoint.Config) {
		c.CodeReuseWindow, c.RefreshGrace = -1, -1
		c.Grants[grants.TypeClientCredentials] = grants.ClientCredentials{Refresh: true}
	})
	for method, request := range map[string]func() *request{
		mClient:           func() *request { return clientCredentials(f.c1) },
		mCreateCredential: func() *request { return clientCredentials(f.c1) },
		mCredential:       func() *request { return f.redeem(f.c1, f.code(f.c1)) },
		mSpend:            func() *request { return refresh(f.c1, f.refreshToken(f.c1)) },
		mAPIKey:           func() *request { return presentKey(f.c1, f.apiKey(f.c1)) },
	} {
		for _, kind := range []any{panicText, io.ErrUnexpectedEOF, nil} {
			r := request()
			f.panicIn(method, kind)
			f.send(r).broken(method)
			f.send(r.json()).broken(method)
			f.store.heal()
			f.send(r).tokens()
		}
	}
	replayed := f.redeem(f.c1, f.code(f.c1))
	token := f.send(replayed).tokens().refreshToken
	f.panicIn(mRevoke, panicText)
	f.send(replayed).broken(mRevoke)
	f.store.heal()
	f.send(refresh(f.c1, token)).tokens() // its family has not ended
}

// traps are callbacks of which one panics: the one that is armed.
type traps struct{ armed atomic.Value }

func (p *traps) spring(name string) {
	if p.armed.Load() == name {
		panic(panicText)
	}
}

func (p *traps) Public() crypto.PublicKey { return signingKey().Public() }

func (p *traps) Sign(rand io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
	p.spring("Signer")
	return signingKey().Sign(rand, digest, o)
}

func (p *traps) Wait(context.Context, tokenendpoint.Attempt) (time.Duration, error) {
	p.spring("Limiter.Wait")
	return 0, nil
}

func (p *traps) Failed(context.Context, tokenendpoint.Attempt) error {
	p.spring("Limiter.Failed")
	return nil
}

// set puts the traps into a configuration.
func (p *traps) set(t *testing.T) option {
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

func a28CallbackPanics(t *testing.T, open opener) {
	p := new(traps)
	p.armed.Store("")
	f := newFixture(t, open, p.set(t))
	for _, name := range []string{"Signer", "Limiter.Wait", "RemoteAddr", "Hook", "Grant"} {
		r := f.redeem(f.c1, f.code(f.c1))
		p.armed.Store(name)
		f.send(r).broken(name)
		f.send(r.json()).broken(name)
		p.armed.Store("")
		f.send(r).tokens()
	}
	p.armed.Store("Limiter.Failed")
	f.send(clientCredentials(f.c1).basic(f.c1.id, "wrong")).broken("Limiter.Failed")
}

// a28ReportingPanics is about what is told of an answer: it cannot take the
// answer back, and least of all one whose credential is used up.
func a28ReportingPanics(t *testing.T, open opener) {
	panics := func(context.Context, tokenendpoint.Event) { panic(panicText) }
	for name, o := range map[string]option{
		"Observe": func(c *tokenendpoint.Config) { c.Observe = panics },
		"Logger":  func(c *tokenendpoint.Config) { c.Logger = slog.New(panickingLog{c.Logger.Handler()}) },
		"both": func(c *tokenendpoint.Config) {
			c.Observe, c.Logger = panics, slog.New(panickingLog{c.Logger.Handler()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, open, o)
			f.send(f.redeem(f.c1, f.code(f.c1))).tokens()
			f.send(form("grant_type", "nope")).refused("unsupported_grant_type")
			f.panicIn(mClient, panicText)
			f.send(clientCredentials(f.c1)).broken("a store, and then " + name)
			f.store.heal()
			f.send(clientCredentials(f.c1)).tokens()
		})
	}
}

// panickingLog is a log that cannot be written.
type panickingLog struct{ slog.Handler }

func (panickingLog) Handle(context.Context, slog.Record) error { panic(panicText) }
