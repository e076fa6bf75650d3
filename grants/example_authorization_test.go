package grants_test

import (
	"context"
	"fmt"
	"html"
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/memory"
)

// site is a host: it has users, pages and a store, and one field for the library.
type site struct {
	login grants.AuthorizationEndpoint
	store *memory.Store
}

// user is the logged-in user of the host's session.
type user struct {
	ID      string
	LoginAt time.Time
}

func (*site) user(r *http.Request) *user {
	if _, err := r.Cookie("session"); err != nil {
		return nil
	}
	return &user{ID: "7", LoginAt: time.Date(2026, 5, 4, 11, 0, 0, 0, time.UTC)}
}

// consent is the page on which the user decides. html/template escapes whatever stands
// behind the question mark of an action, so Action is a whole address.
var consent = template.Must(template.New("").Parse(`{{.App}} asks for {{.Scope}}.
<form method="post" action="{{.Action}}">
{{range .Scope}}<input type="checkbox" name="granted" value="{{.}}">{{end}}
<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Do not allow</button>
</form>`))

type consentPage struct {
	App, Action string
	Scope       []string
}

// authorize is /authorize, where clients send their users.
func (s *site) authorize(w http.ResponseWriter, r *http.Request) {
	a, err := s.login.Read(r)
	u := s.user(r) // of the session; nil if nobody is logged in
	switch {
	case err != nil:
		s.login.Answer(w, r, nil, err)
	case a.PromptNone && u == nil: // the client wants an answer without a page
		s.login.Answer(w, r, nil, a.Refuse(grants.LoginRequired))
	case a.PromptNone: // and this host asks its user each time
		s.login.Answer(w, r, nil, a.Refuse(grants.ConsentRequired))
	case u == nil:
		http.Redirect(w, r, "/login?next="+url.QueryEscape("/authorize?"+a.Query()), http.StatusSeeOther)
	default: // the form has a token against forgeries too
		consent.Execute(w, consentPage{App: a.Client.ID, Scope: a.Scope, Action: "/consent?" + a.Query()})
	}
}

// decide is POST /consent, the answer of the user, who is logged in.
func (s *site) decide(w http.ResponseWriter, r *http.Request) {
	a, err := s.login.ReadQuery(r.Context(), r.URL.RawQuery)
	if err == nil && r.PostFormValue("decision") != "allow" {
		err = a.Refuse(grants.AccessDenied)
	}
	if err != nil {
		s.login.Answer(w, r, nil, err)
		return
	}
	u := s.user(r)
	record, answer, err := a.Approve(grants.Approval{Subject: "user:" + u.ID, Scope: r.PostForm["granted"], AuthTime: u.LoginAt}, time.Now())
	if err == nil { // an outage of the store goes to the client in place of the code
		err = a.Refuse(s.store.CreateCredential(r.Context(), record))
	}
	s.login.Answer(w, r, answer, err)
}

// The whole of a host's authorization page, beside its login and its design. The test
// posts the form that a browser would find on the page.
func ExampleAuthorizationEndpoint() {
	store := new(memory.Store)
	err := store.PutClient(context.Background(), &storage.Client{
		ID:           "app",
		AuthMethod:   storage.AuthNone,
		GrantTypes:   []string{grants.TypeAuthorizationCode, grants.TypeRefreshToken},
		Scope:        []string{"read", "write"},
		RedirectURIs: []string{"https://app.example.com/callback?from=auth", "http://127.0.0.1/callback"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := &site{store: store, login: grants.AuthorizationEndpoint{ // or AuthorizationEndpoint of a tokenendpoint.Handler
		Issuer:   "https://auth.example.com",
		Audience: []string{"https://api.example.com"},
		Clients:  store,
	}}

	session := &http.Cookie{Name: "session", Value: "of user 7"}
	get := func(target string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		s.authorize(w, r)
		return w
	}

	// A client sends the browser to the page. Nobody is logged in, so the page sends the
	// user to the login, from where the user comes back.
	request := "/authorize?response_type=code&client_id=app&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback%3Ffrom%3Dauth&state=xyz" +
		"&scope=read+write&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
	login, err := url.Parse(get(request).Header().Get("Location"))
	if err != nil {
		fmt.Println(err)
		return
	}
	back := login.Query().Get("next")
	fmt.Println(login.Path, strings.HasPrefix(back, "/authorize?"))

	// The user grants one of two scopes, in the form as the page has it.
	page := get(back, session).Body.String()
	fmt.Println(strings.SplitN(page, "\n", 2)[0])
	_, action, _ := strings.Cut(page, `action="`)
	action, _, _ = strings.Cut(action, `"`)
	form := httptest.NewRequest(http.MethodPost, html.UnescapeString(action), strings.NewReader("decision=allow&granted=read"))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form.AddCookie(session)
	answer := httptest.NewRecorder()
	s.decide(answer, form)
	to, err := url.Parse(answer.Header().Get("Location"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Code, to.Host, to.Query().Get("from"), to.Query().Get("code")[:3], to.Query().Get("state"), to.Query().Get("iss"))
	record, err := store.Credential(context.Background(), storage.PresentedSecret(to.Query().Get("code")).Digest(storage.KindAuthorizationCode))
	fmt.Println(record.Subject, record.Scope, string(record.Claims), err)

	// A client that wants no page, one whose request is wrong, and one that leads nowhere.
	fmt.Println(strings.Contains(get(request+"&prompt=none").Header().Get("Location"), "error=login_required"))
	wrong := get(strings.Replace(request, "S256", "plain", 1))
	fmt.Println(wrong.Code, wrong.Header().Get("Location"))
	nowhere := get(strings.Replace(request, "app.example.com", "evil.example.com", 1))
	fmt.Println(nowhere.Code, nowhere.Body)
	// Output:
	// /login true
	// app asks for [read write].
	// 303 app.example.com auth ac_ xyz https://auth.example.com
	// user:7 [read] {"auth_time":1777892400} <nil>
	// true
	// 303 https://app.example.com/callback?from=auth&error=invalid_request&error_description=code_challenge_method+is+not+S256&state=xyz&iss=https%3A%2F%2Fauth.example.com
	// 400 The app that sent you here wants you sent to an address that is not registered for it, so you stay here. Its developer must register the redirect_uri exactly as the app sends it.
}
