package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/contit/oauth/tokenendpoint/bearer"
	"github.com/contit/oauth/tokenendpoint/clientauth"
	"github.com/contit/oauth/tokenendpoint/clientmetadata"
	"github.com/contit/oauth/tokenendpoint/jws"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	mcpPath   = "/mcp"
	scopeRead = "notes:read"  // enough to connect and to list the tools
	scopeAdd  = "notes:write" // the tool needs it too
)

// config has the decisions of a deployment.
type config struct {
	base      string                    // where clients reach this server, such as https://notes.example.com
	password  string                    // of the one user, see login.go
	store     *memory.Store             // codes, refresh tokens, and the clients that were registered by hand
	fetch     *http.Client              // fetches what the URLs of strangers name; if nil, from public addresses alone
	companies []assertion.TrustedIssuer // identity providers that vouch for users (ID-JAG); may be empty
}

// newServer mounts the MCP server at mcpPath, and around it all that a client needs to
// get a token for it. This is the part to copy.
func newServer(c config) (http.Handler, error) {
	// The keys are drawn at start, so what they have signed and sealed ends with the
	// process. A host loads them from a file or a KMS.
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	keys, err := jws.NewKeySet(jws.Key{Signer: signer})
	if err != nil {
		return nil, err
	}
	sealingKey := make([]byte, 32)
	rand.Read(sealingKey)

	// The clients are those of the store, those whose client_id is the URL of a
	// document, and those that have registered themselves. A stranger gets these scopes
	// at most, and no more than a user agrees to.
	bounds := clientmetadata.Bounds{Scope: []string{scopeRead, scopeAdd}, DefaultScope: []string{scopeRead}}
	documents, err := clientmetadata.NewDocuments(clientmetadata.DocumentsConfig{Clients: c.store, Bounds: bounds, HTTP: c.fetch})
	if err != nil {
		return nil, err
	}
	clients, err := clientmetadata.NewRegistration(clientmetadata.RegistrationConfig{
		URL: c.base + "/register", Clients: documents, Bounds: bounds, Keys: []string{base64.StdEncoding.EncodeToString(sealingKey)},
	})
	if err != nil {
		return nil, err
	}

	accepted := map[string]grants.Grant{
		grants.TypeAuthorizationCode: grants.AuthorizationCode{}, // editors and agents, with a user
		grants.TypeRefreshToken:      grants.RefreshToken{},
		grants.TypeClientCredentials: grants.ClientCredentials{}, // programs without a user
	}
	if len(c.companies) > 0 {
		if accepted[assertion.TypeJWTBearer], err = assertion.NewJWTBearer(c.companies...); err != nil {
			return nil, err
		}
	}
	endpoint, err := tokenendpoint.New(tokenendpoint.Config{
		Issuer:          c.base,
		Audience:        []string{c.base + mcpPath}, // the URL that users give to their editor
		Keys:            keys,
		Storage:         storage.Parts{Clients: clients, Credentials: c.store},
		Revocations:     c.store,
		Grants:          accepted,
		ScopesSupported: []string{scopeRead, scopeAdd},
		ClientValidator: &clientauth.Secrets{Clients: clients, Assertions: &clientauth.Assertions{Issuer: c.base, HTTP: c.fetch}},

		AuthorizationEndpoint: c.base + loginPath,
	})
	if err != nil {
		return nil, err
	}

	name := func(clientID string) string {
		return cmp.Or(clients.Name(clientID), documents.Name(clientID), clientID)
	}
	mux := http.NewServeMux()
	mux.Handle("/", endpoint) // the token endpoint, the keys, and the metadata that clients look for
	mux.Handle(mcpPath, protect(endpoint, newNotes()))
	mux.Handle("/register", clients)
	mux.Handle(loginPath, &login{endpoint: endpoint.AuthorizationEndpoint(), codes: c.store, name: name, password: c.password})
	return mux, nil
}

// protect lets a message through that has a token for this server and the scopes that
// the message needs.
//
// At the door the challenge names no scope, so a client asks its user for all of
// ScopesSupported at once: some clients cannot ask for more later. A client that has
// less, since its user agreed to less, learns what a call needs (403
// insufficient_scope), and may ask again.
func protect(endpoint *tokenendpoint.Handler, server *mcp.Server) http.Handler {
	// A server without sessions, so that any replica can answer any request.
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
	known := auth.RequireBearerToken(tokenInfo, nil)(handler)
	toRead, toCall := endpoint.RequireToken(scopeRead)(known), endpoint.RequireToken(scopeRead, scopeAdd)(known)
	return endpoint.RequireToken()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "the message did not arrive, or is too long", http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		var message struct{ Method string }
		if json.Unmarshal(body, &message) == nil && message.Method == "tools/call" {
			toCall.ServeHTTP(w, r)
			return
		}
		toRead.ServeHTTP(w, r) // the tool itself refuses a call that came in another spelling
	}))
}

// tokenInfo hands the token that RequireToken has verified to the MCP SDK.
func tokenInfo(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
	token, ok := bearer.Token(ctx)
	if !ok {
		return nil, auth.ErrInvalidToken
	}
	return &auth.TokenInfo{UserID: token.Subject, Scopes: token.Scope, Expiration: token.ExpiresAt}, nil
}

// newNotes is an MCP server with one tool.
func newNotes() *mcp.Server {
	var (
		mu    sync.Mutex
		notes = make(map[string][]string) // by user
	)
	type note struct {
		Text string `json:"text" jsonschema:"the text of the note"`
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "notes", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "add_note", Description: "Keeps a note, and lists your notes."},
		func(_ context.Context, r *mcp.CallToolRequest, n note) (*mcp.CallToolResult, any, error) {
			user := r.Extra.TokenInfo
			if !slices.Contains(user.Scopes, scopeAdd) {
				return nil, nil, errors.New("the token lacks the scope " + scopeAdd)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(notes[user.UserID]) == 100 || len(n.Text) > 1000 {
				return nil, nil, errors.New("this notebook has room for 100 notes of 1000 bytes")
			}
			notes[user.UserID] = append(notes[user.UserID], n.Text)
			text := "Notes of " + user.UserID + ": " + strings.Join(notes[user.UserID], "; ")
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}, nil, nil
		})
	return server
}
