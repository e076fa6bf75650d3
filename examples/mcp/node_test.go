package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
)

// node runs a client of the folder clients, and reads what it says into result.
func node(t *testing.T, program string, settings map[string]any, result any) {
	t.Helper()
	needsNode(t)
	text, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // it takes a second, where nothing else runs
	defer cancel()
	command := exec.CommandContext(ctx, "node", program)
	command.Dir = "clients"
	command.Env = append(os.Environ(), "SETTINGS="+string(text))
	var said, complaint bytes.Buffer
	command.Stdout, command.Stderr = &said, &complaint
	if err := command.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", program, err, said.Bytes(), complaint.Bytes())
	}
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), result); err != nil {
		t.Fatalf("%s said %s: %v", program, said.Bytes(), err)
	}
}

func needsNode(t *testing.T) {
	t.Helper()
	_, noNode := exec.LookPath("node")
	if _, err := os.Stat("clients/node_modules"); err != nil || noNode != nil {
		t.Skip("NOT TESTED: needs node and npm, and what 'npm ci --ignore-scripts' fetches in examples/mcp/clients")
	}
}

// settings are the settings of every client of the folder clients.
func (d *deployment) settings(further map[string]any) map[string]any {
	all := map[string]any{
		"base": d.base, "mcp": d.mcpURL(), "redirect": redirectURI, "user": userName, "password": d.password, "scope": scopeRead + " " + scopeAdd,
	}
	for name, value := range further {
		all[name] = value
	}
	return all
}

// toolSaid is the last output of clients/mcp.mjs.
type toolSaid struct {
	Pages    int
	Text     string
	IsError  bool
	Refresh  bool
	ClientID string
	Failed   string // the error of the call
}

// TestTypeScriptSDK plays a user with both generations of the TypeScript SDK, and
// programs that have a key or an assertion of their company.
func TestTypeScriptSDK(t *testing.T) {
	needsNode(t)
	machine, company := newParty(t), newCompany(t)
	d := serve(t, []*storage.Client{company.client, {
		ID: "machine", AuthMethod: storage.PrivateKeyJWT, Assertion: storage.ClientAssertion{JWKS: machine.jwks(t)},
		GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{scopeRead, scopeAdd},
	}}, company.trusted(t))
	document := d.publisher.publish("/editor.json", `{"client_id":"{url}","client_name":"editor","redirect_uris":["`+redirectURI+`"],"token_endpoint_auth_method":"none"}`)
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: machine.private(t)}))
	assertionOf := func(t *testing.T) string {
		text, err := company.assertion(d.base, d.mcpURL(), scopeRead+" "+scopeAdd)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for generation, name := range map[int]string{1: "@modelcontextprotocol_sdk", 2: "@modelcontextprotocol_client"} {
		t.Run(name+" registers itself", func(t *testing.T) {
			var got toolSaid
			// As the examples of the SDK do; the endpoint gives no secret, and says so.
			node(t, "mcp.mjs", d.settings(map[string]any{"sdk": generation, "provider": "user", "method": "client_secret_post"}), &got)
			if got.Pages != 1 || got.IsError || !got.Refresh || !strings.Contains(got.Text, "user:ada") || !strings.HasPrefix(got.ClientID, "reg_") {
				t.Errorf("it said %+v", got)
			}
		})
		t.Run(name+" has a document", func(t *testing.T) {
			var got toolSaid
			node(t, "mcp.mjs", d.settings(map[string]any{"sdk": generation, "provider": "user", "document": document}), &got)
			if got.Pages != 1 || got.IsError || !got.Refresh || !strings.Contains(got.Text, "user:ada") || got.ClientID != document {
				t.Errorf("it said %+v", got)
			}
		})
		t.Run(name+" has a key", func(t *testing.T) {
			var got toolSaid
			node(t, "mcp.mjs", d.settings(map[string]any{"sdk": generation, "provider": "key", "client": "machine", "key": key}), &got)
			if got.Pages != 0 || got.IsError || !strings.Contains(got.Text, "Notes of machine: ") {
				t.Errorf("it said %+v", got)
			}
		})
	}
	t.Run("@modelcontextprotocol_client has an assertion of a company", func(t *testing.T) {
		var got toolSaid
		node(t, "mcp.mjs", d.settings(map[string]any{
			"sdk": 2, "provider": "company", "client": agentID, "secret": company.secret.Reveal(), "assertion": assertionOf(t),
		}), &got)
		if got.Pages != 0 || got.IsError || !strings.Contains(got.Text, "Notes of user:e-1815: ") {
			t.Errorf("it said %+v", got)
		}
	})
	// The README says so; where this changes, it may say more.
	t.Run("@modelcontextprotocol_sdk does not step up", func(t *testing.T) {
		var got toolSaid
		node(t, "mcp.mjs", d.settings(map[string]any{"sdk": 1, "provider": "user", "grants": []string{scopeRead}}), &got)
		if got.Pages != 1 || !strings.Contains(got.Failed, "403 after trying upscoping") {
			t.Errorf("it said %+v", got)
		}
	})
	t.Run("@modelcontextprotocol_client steps up", func(t *testing.T) {
		var got toolSaid
		node(t, "mcp.mjs", d.settings(map[string]any{"sdk": 2, "provider": "user", "grants": []string{scopeRead}}), &got)
		if got.Pages != 2 || got.IsError {
			t.Errorf("it said %+v", got)
		}
	})
}

// TestJavaScriptLibraries plays programs whose key is their only secret (private_key_jwt).
func TestJavaScriptLibraries(t *testing.T) {
	needsNode(t)
	machine := newParty(t)
	d := serve(t, []*storage.Client{{
		ID: "machine", AuthMethod: storage.PrivateKeyJWT, Assertion: storage.ClientAssertion{JWKS: machine.jwks(t)},
		GrantTypes: []string{grants.TypeClientCredentials}, Scope: []string{scopeRead, scopeAdd},
	}})
	keys := d.publisher.publish("/keys.json", string(machine.jwks(t)))
	document := d.publisher.publish("/app.json",
		`{"client_id":"{url}","redirect_uris":["`+redirectURI+`"],"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"`+keys+`"}`)
	key := base64.StdEncoding.EncodeToString(machine.private(t))
	for flow, client := range map[string]string{"oauth4webapi": "machine", "openidClient": ""} {
		t.Run(flow, func(t *testing.T) {
			var got struct{ Token, Scope string }
			node(t, "libraries.mjs", d.settings(map[string]any{"flow": flow, "client": client, "document": document, "key": key}), &got)
			scope := strings.Fields(got.Scope)
			slices.Sort(scope)
			if got.Token == "" || !slices.Equal(scope, []string{scopeRead, scopeAdd}) {
				t.Errorf("it got the scopes %q and a token of %d bytes", scope, len(got.Token))
			}
		})
	}
}

// TestConformance runs the suite of the MCP project for authorization servers.
func TestConformance(t *testing.T) {
	needsNode(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	callback := fmt.Sprintf("http://127.0.0.1:%d/callback", port)
	d := serve(t, []*storage.Client{{
		ID: "suite", AuthMethod: storage.AuthNone, RedirectURIs: []string{callback},
		GrantTypes: []string{grants.TypeAuthorizationCode}, Scope: []string{scopeRead},
	}})
	var got struct {
		Code int
		Said string
	}
	node(t, "conformance.mjs", d.settings(map[string]any{"client": "suite", "redirect": callback}), &got)
	t.Log(got.Said)
	if got.Code != 0 {
		t.Errorf("it ended with %d", got.Code)
	}
}
