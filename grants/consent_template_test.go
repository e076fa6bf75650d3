package grants_test

import (
	"html"
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// The consent form of the example posts to an address that html/template leaves as it is,
// whatever a client puts into its request. The other form, with the query alone, does not.
func TestConsentTemplate(t *testing.T) {
	store := new(memory.Store)
	err := store.PutClient(t.Context(), &storage.Client{
		ID: "app", AuthMethod: storage.AuthNone, GrantTypes: []string{grants.TypeAuthorizationCode},
		Scope: []string{"read"}, RedirectURIs: []string{"https://app.example.com/callback?a=b&c=d"},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{store: store, login: grants.AuthorizationEndpoint{Issuer: "https://auth.example.com", Audience: []string{"api"}, Clients: store}}
	request := "response_type=code&client_id=app&scope=read&state=%22%3E%3Cscript%3E%26%2B%25%C3%BC&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
	r := httptest.NewRequest(http.MethodGet, "/authorize?"+request, nil)
	r.AddCookie(&http.Cookie{Name: "session", Value: "x"})
	a, err := s.login.Read(r)
	if err != nil {
		t.Fatal(err)
	}
	page := httptest.NewRecorder()
	s.authorize(page, r)
	action := actionOf(t, page.Body.String())
	if action != "/consent?"+a.Query() {
		t.Errorf("the form posts to %s, want /consent?%s", action, a.Query())
	}
	_, query, _ := strings.Cut(action, "?")
	if b, err := s.login.ReadQuery(t.Context(), query); err != nil || b.State != a.State {
		t.Errorf("the request comes back as %v, %v, want it with the state %q", b, err, a.State)
	}

	var out strings.Builder
	alone := template.Must(template.New("").Parse(`<form action="/consent?{{.Query}}">`))
	if err := alone.Execute(&out, a); err != nil {
		t.Fatal(err)
	}
	_, query, _ = strings.Cut(actionOf(t, out.String()), "?")
	if _, err := s.login.ReadQuery(t.Context(), query); err == nil {
		t.Error("html/template leaves a query behind a question mark as it is: the documentation of Query says otherwise")
	}
}

func actionOf(t *testing.T, page string) string {
	t.Helper()
	_, action, ok := strings.Cut(page, `action="`)
	action, _, end := strings.Cut(action, `"`)
	if !ok || !end {
		t.Fatalf("the page has no form: %s", page)
	}
	return html.UnescapeString(action)
}
