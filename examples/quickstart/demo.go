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
	login grants.AuthorizationEndpoint
}

// demoUser is the "sub" of the tokens. A host has the user of the session.
const demoUser = "demo-user"

// code gives to everybody the code that authorize sends to the app. The query is an
// authorization request (RFC 6749 §4.1.1).
func (d *demo) code(w http.ResponseWriter, r *http.Request) {
	code, err := d.newCode(r.Context(), r.URL.RawQuery)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]string{"code": code})
}

func (d *demo) newCode(ctx context.Context, query string) (string, error) {
	a, err := d.login.ReadQuery(ctx, "response_type=code&"+query) // there is no other
	if err != nil {
		return "", err
	}
	record, answer, err := a.Approve(grants.Approval{Subject: demoUser, Scope: a.Scope}, time.Now())
	if err != nil {
		return "", err
	}
	to, err := url.Parse(answer.URL())
	if err != nil {
		return "", err
	}
	return to.Query().Get("code"), d.store.CreateCredential(ctx, record)
}

// apiKey answers with a new API key, as a user would see it once.
func (d *demo) apiKey(w http.ResponseWriter, r *http.Request) {
	key, err := d.newAPIKey(r.Context(), r.URL.Query().Get("client_id"))
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

// client finds the client of a request.
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
