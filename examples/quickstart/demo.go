package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// demo holds the pages that a host has of its own: the login that ends in a
// code, and the page where a user manages API keys.
type demo struct {
	store *memory.Store
}

// code answers as the login page of a host would redirect: with a code for a
// user who has logged in and agreed. The query is that of an authorization
// request (RFC 6749 §4.1.1).
func (d *demo) code(w http.ResponseWriter, r *http.Request) {
	code, err := d.newCode(r.Context(), r.URL.RawQuery)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]string{"code": code.Reveal()})
}

func (d *demo) newCode(ctx context.Context, query string) (storage.Secret, error) {
	q, err := parseQuery(query)
	if err != nil {
		return storage.Secret{}, err
	}
	client, err := d.client(ctx, q["client_id"])
	if err != nil {
		return storage.Secret{}, err
	}
	scope, err := grants.RequestedScope(client, q["scope"])
	if err != nil {
		return storage.Secret{}, err
	}
	code, record, err := grants.NewAuthorizationCode(grants.AuthorizationRequest{
		Client:              client,
		Subject:             "demo-user", // a host has the user who is logged in
		RedirectURI:         q["redirect_uri"],
		Scope:               scope, // a host has what the user agreed to
		CodeChallenge:       q["code_challenge"],
		CodeChallengeMethod: q["code_challenge_method"],
	}, time.Now())
	if err != nil {
		return storage.Secret{}, err
	}
	return code, d.store.CreateCredential(ctx, record)
}

// apiKey answers with a new API key, as a user would see it once.
func (d *demo) apiKey(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, err)
		return
	}
	key, err := d.newAPIKey(r.Context(), q["client_id"])
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]string{"api_key": key.Reveal()})
}

func (d *demo) newAPIKey(ctx context.Context, clientID string) (storage.Secret, error) {
	client, err := d.client(ctx, clientID)
	if err != nil {
		return storage.Secret{}, err
	}
	key, record, err := grants.NewAPIKey("ck_demo_", storage.APIKey{ClientID: client.ID, Scope: client.Scope}, time.Now())
	if err != nil {
		return storage.Secret{}, err
	}
	return key, d.store.PutAPIKey(ctx, record)
}

// client finds the client of a request. RFC 6749 §4.1.2.1 has no code of its
// own for an unknown one: the user is told, and nobody is redirected.
func (d *demo) client(ctx context.Context, id string) (*storage.Client, error) {
	if id == "" {
		return nil, grants.InvalidRequest.Describe("client_id is missing")
	}
	client, err := d.store.Client(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, grants.InvalidRequest.Describe("client_id is unknown")
	}
	return client, err
}

// parseQuery takes each parameter once (RFC 6749 §3.1).
func parseQuery(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, grants.InvalidRequest.Describe("the query is malformed").Because(err)
	}
	q := make(map[string]string, len(values))
	for name, value := range values {
		if len(value) > 1 {
			return nil, grants.InvalidRequest.Describe("a parameter is repeated")
		}
		q[name] = value[0]
	}
	return q, nil
}

// refuse tells the code and the sentence of an error, and its cause to the log.
func refuse(w http.ResponseWriter, err error) {
	verdict := grants.Verdict(err)
	if verdict == nil || verdict.Code == grants.ServerError {
		slog.Error("demo page", "err", err)
		answer(w, http.StatusInternalServerError, map[string]string{"error": string(grants.ServerError)})
		return
	}
	body := map[string]string{"error": string(verdict.Code)}
	if verdict.Description != "" {
		body["error_description"] = verdict.Description
	}
	answer(w, http.StatusBadRequest, body)
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
