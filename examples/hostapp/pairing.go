package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// The pairing grant is the shop's own: a customer at a till in a branch has
// their page show a code, types it in there, and the till acts for them.
const (
	typePairingCode = "urn:shop:params:oauth:grant-type:pairing-code"
	kindPairingCode = "pairing_code"
	tillClient      = "shop-till"
	// A code has 40 bits, is good for one client that authenticates, once, and
	// for two minutes. A guess hits one of a thousand live codes with a chance
	// of one in a thousand million.
	pairingCodeLength   = 8
	pairingCodeLifetime = 2 * time.Minute
)

// pair is the grant. It finds the code, and decides the subject and scope of the
// till. The grant presents the code, so the endpoint does the rest: it lets the code
// work once, rotates the refresh tokens, and ends them all at a replay.
func (s *shop) pair(ctx context.Context, r *grants.Request) (*grants.Authorization, error) {
	code := r.Form["pairing_code"]
	if code == "" {
		return nil, grants.InvalidRequest.Describe("pairing_code is missing")
	}
	p, err := r.Present(ctx, kindPairingCode, pairingSecret(code))
	if err != nil {
		return nil, err
	}
	return &grants.Authorization{
		Subject:  p.Subject,
		Scope:    p.Scope,
		Audience: p.Audience,
		Refresh:  true,
		Hook:     s.checkUser,
	}, nil
}

// pairing is the grant with its description for the reference page.
type pairing struct{ grants.Func }

var _ grants.Describer = pairing{}

// Describe implements [grants.Describer].
func (pairing) Describe() grants.Description {
	return grants.Description{
		Summary: "A till acts for the customer who stands in front of it.",
		Parameters: []grants.Parameter{{
			Name: "pairing_code", Description: "The code that the customer's page shows.", Required: true, Secret: true,
		}},
		ClientAuthentication: grants.SecretRequired,
		Refresh:              true,
	}
}

// pairingSecret reads a code as people type it: with or without the dash, in
// lower case, with a blank.
func pairingSecret(typed string) storage.Secret {
	return storage.PresentedSecret(strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(typed)))
}

func (s *shop) showPairing(w http.ResponseWriter, r *http.Request, v *session) {
	s.render(w, r, http.StatusOK, "pairing", v, "")
}

// createPairingCode draws a code and shows it.
func (s *shop) createPairingCode(w http.ResponseWriter, r *http.Request, v *session) {
	client, err := s.store.Client(r.Context(), tillClient)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	code := rand.Text()[:pairingCodeLength] // A to Z and 2 to 7
	now := time.Now()
	record, err := grants.NewCredential(pairingSecret(code), storage.Credential{
		Kind:      kindPairingCode,
		Issuer:    s.issuer,
		ClientID:  client.ID,
		Subject:   v.Subject(),
		Scope:     client.Scope,
		ExpiresAt: now.Add(pairingCodeLifetime),
	}, now)
	if err == nil {
		err = s.store.CreateCredential(r.Context(), record)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, http.StatusOK, "pairing", v, code[:4]+"-"+code[4:])
}
