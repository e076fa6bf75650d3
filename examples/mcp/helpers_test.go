package main

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
	"github.com/contit/oauth/tokenendpoint/assertion"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// redirectURI is where the clients of the tests want the code. Nothing listens there:
// the browser of the tests reads the address.
const redirectURI = "http://localhost:3118/callback"

// deployment is the program, served, beside a web of documents that strangers publish.
type deployment struct {
	config
	publisher *publisher
}

// mcpURL is the URL that a user gives to an editor.
func (d *deployment) mcpURL() string { return d.base + mcpPath }

// serve starts the program with these clients and identity providers.
func serve(t *testing.T, clients []*storage.Client, companies ...func(issuer string) assertion.TrustedIssuer) *deployment {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p := newPublisher(t)
	d := &deployment{config{base: server.URL, password: "tested", store: new(memory.Store), fetch: p.client}, p}
	for _, c := range clients {
		if err := d.store.PutClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, company := range companies {
		d.companies = append(d.companies, company(d.base))
	}
	handler, err := newServer(d.config)
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/", handler)
	return d
}

// publisher serves documents under https://client.example.com. Only its own client
// finds it: an address of this machine is none that a stranger may name.
type publisher struct {
	client *http.Client
	mu     sync.Mutex
	files  map[string]string
}

func newPublisher(t *testing.T) *publisher {
	p := &publisher{files: make(map[string]string)}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		text, ok := p.files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	p.client = server.Client() // it knows the certificate, and goes to this server for example.com
	return p
}

// publish returns the URL of a document, which may name itself by {url}.
func (p *publisher) publish(path, text string) string {
	at := "https://client.example.com" + path
	p.mu.Lock()
	defer p.mu.Unlock()
	p.files[path] = strings.ReplaceAll(text, "{url}", at)
	return at
}

// user is a person with a browser, who agrees on the login page.
type user struct {
	grants []string // the scopes that stay ticked on the first page; if nil, all. Later pages: all
	mu     sync.Mutex
	asked  []string // the scope of each page
}

var (
	action = regexp.MustCompile(`<form method="post" action="([^"]*)">`)
	ticked = regexp.MustCompile(`name="scope" type="checkbox" value="([^"]*)" checked`)
)

// agree opens the login page, logs in, agrees, and returns the parameters that come
// back to the client.
func (u *user) agree(ctx context.Context, d *deployment, address string) (url.Values, error) {
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page, err := send(ctx, browser, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	form := action.FindStringSubmatch(page.body)
	if page.status != http.StatusOK || form == nil {
		return nil, fmt.Errorf("the login page answered %d %s%s", page.status, page.location, page.body)
	}
	var scope []string
	for _, box := range ticked.FindAllStringSubmatch(page.body, -1) {
		scope = append(scope, box[1])
	}
	slices.Sort(scope) // clients ask in any order
	u.mu.Lock()
	u.asked = append(u.asked, strings.Join(scope, " "))
	if len(u.asked) == 1 && u.grants != nil {
		scope = u.grants
	}
	u.mu.Unlock()
	answer, err := send(ctx, browser, http.MethodPost, d.base+html.UnescapeString(form[1]),
		url.Values{"name": {userName}, "password": {d.password}, "decision": {"allow"}, "scope": scope})
	if err != nil {
		return nil, err
	}
	back, err := url.Parse(answer.location)
	if err != nil || answer.status != http.StatusSeeOther {
		return nil, fmt.Errorf("the form was answered with %d %s%s", answer.status, answer.location, answer.body)
	}
	return back.Query(), nil
}

// pages are the scopes that the user was asked for, page by page.
func (u *user) pages() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.asked)
}

type response struct {
	status         int
	location, body string
}

func send(ctx context.Context, c *http.Client, method, address string, form url.Values) (response, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return response{}, err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r, err := c.Do(request)
	if err != nil {
		return response{}, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return response{r.StatusCode, r.Header.Get("Location"), string(body)}, err
}

// connect connects the client of the Go SDK.
func connect(t *testing.T, d *deployment, handler auth.OAuthHandler) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
		Endpoint: d.mcpURL(), OAuthHandler: handler, DisableStandaloneSSE: true,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

// addNote calls the tool, and returns its text.
func addNote(t *testing.T, session *mcp.ClientSession, text string) string {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "add_note", Arguments: map[string]any{"text": text}})
	if err != nil {
		t.Fatal(err)
	}
	said := result.Content[0].(*mcp.TextContent).Text
	if result.IsError {
		t.Fatalf("the tool failed: %s", said)
	}
	return said
}
