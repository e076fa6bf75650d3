package reference_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/reference"
)

// described is the description of an endpoint with two grants, one of them the host's.
func described() tokenendpoint.Description {
	return tokenendpoint.Description{
		Issuer: "https://as.test", Token: "https://as.test/connect/token", Revocation: "https://as.test/connect/revocation",
		JWKS: "https://as.test/keys", Metadata: "https://elsewhere.test/.well-known/oauth-authorization-server",
		Grants: []tokenendpoint.GrantDescription{
			{Type: grants.TypeClientCredentials, Description: grants.ClientCredentials{}.Describe()},
			{Type: "urn:x:ticket", Description: grants.Description{Summary: `A token for a <ticket> & "more".`, Parameters: []grants.Parameter{
				{Name: "ticket", Description: "The ticket.", Required: true, Secret: true},
			}}},
		},
	}
}

// TestOpenAPIIsTheSame: every replica serves the same bytes, in any order of a map.
func TestOpenAPIIsTheSame(t *testing.T) {
	info := reference.Info{Scopes: map[string]string{"a": "A.", "b": "B.", "c": "C.", "d": "D.", "e": "E."}}
	first, err := reference.OpenAPI(described(), info)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		info.Scopes = maps.Clone(info.Scopes)
		again, err := reference.OpenAPI(described(), info)
		if err != nil || !bytes.Equal(again, first) {
			t.Fatalf("got %v and\n%s, want\n%s", err, again, first)
		}
	}
	if text := `A token for a <ticket> & \"more\".`; !bytes.Contains(first, []byte(text)) {
		t.Errorf("the document does not have the sentence %s of the host's grant", text)
	}
}

// TestOpenAPISaysWhatTheHostSays: the texts of Info stand in the document.
func TestOpenAPISaysWhatTheHostSays(t *testing.T) {
	b, err := reference.OpenAPI(described(), reference.Info{Title: "Tokens of Example", Version: "7", Description: "Ask us.", Scopes: map[string]string{"read": "See."}})
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Info struct{ Title, Version, Description string }
		Tags []struct{ Name string }

		Paths map[string]struct {
			Servers []struct{ URL string }
			Post    *struct{ OperationID string }
		}
		Components struct {
			Schemas         map[string]struct{ Required []string }
			SecuritySchemes struct {
				OAuth2 struct {
					Flows struct {
						ClientCredentials struct {
							TokenURL string
							Scopes   map[string]string
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	if i := doc.Info; i.Title != "Tokens of Example" || i.Version != "7" || i.Description != "Ask us." {
		t.Errorf("info is %+v, want what the host says", i)
	}
	if flow := doc.Components.SecuritySchemes.OAuth2.Flows.ClientCredentials; flow.TokenURL != "https://as.test/connect/token" || flow.Scopes["read"] != "See." {
		t.Errorf("the flow is %+v, want the URL of the endpoint and the scope of the host", flow)
	}
	if p := doc.Paths["/connect/token"]; p.Post == nil || p.Servers != nil {
		t.Errorf("the token endpoint is %+v, want an operation at the server of the document", p)
	}
	if p := doc.Paths["/.well-known/oauth-authorization-server"]; len(p.Servers) != 1 || p.Servers[0].URL != "https://elsewhere.test" {
		t.Errorf("the metadata is %+v, want it at its own server", p)
	}
	if got := doc.Components.Schemas["Grant_urn_x_ticket"].Required; strings.Join(got, " ") != "grant_type ticket" {
		t.Errorf("the host's grant requires %q, want grant_type and ticket", got)
	}
}

// TestOpenAPINamesFaults: every fault of a description that a host has made is named.
func TestOpenAPINamesFaults(t *testing.T) {
	_, err := reference.OpenAPI(tokenendpoint.Description{
		Token: "/connect/token", Revocation: "https://", JWKS: "https://as.test/x", Metadata: "https://other.test/x", Grants: []tokenendpoint.GrantDescription{{Type: "x"}, {Type: "y", Aliases: []string{"x"}}, {}},
	}, reference.Info{Scopes: map[string]string{"two words": ""}})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"Description.Token", "Description.Revocation", "Description.Metadata", `"x" twice`, `"" twice`, `"two words"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	if _, err = reference.OpenAPI(tokenendpoint.Description{}, reference.Info{}); err == nil || !strings.Contains(err.Error(), "Description.Token") || !strings.Contains(err.Error(), "Description.Grants") {
		t.Errorf("an empty description: got %v, want both faults", err)
	}
	if h, err := reference.OpenAPIHandler(tokenendpoint.Description{}, reference.Info{}); err == nil || h != nil {
		t.Errorf("got the handler %v and %v, want an error", h, err)
	}
}

// TestOpenAPIHandler: everybody may read the document, and a reader that has it gets no
// second copy.
func TestOpenAPIHandler(t *testing.T) {
	h, err := reference.OpenAPIHandler(described(), reference.Info{})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, etag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/openapi.json", nil)
		if etag != "" {
			r.Header.Set("If-None-Match", etag)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := ask(http.MethodGet, "")
	want, err := reference.OpenAPI(described(), reference.Info{})
	if err != nil || w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), want) {
		t.Errorf("got %d %s, want the document", w.Code, w.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if w := ask(http.MethodGet, w.Header().Get("ETag")); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("with its ETag: got %d %s, want 304", w.Code, w.Body)
	}
	if w := ask(http.MethodPost, ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d, want 405", w.Code)
	}
}
