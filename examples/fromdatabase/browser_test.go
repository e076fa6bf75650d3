package main

import (
	"context"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/oauth2"
)

// browser keeps cookies, and follows redirects but not to another site.
type browser struct {
	*running
	client *http.Client
}

func (r *running) browser() *browser {
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	return &browser{r, &http.Client{Jar: jar, CheckRedirect: func(request *http.Request, _ []*http.Request) error {
		if "http://"+request.URL.Host != r.url {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// page is the page in the browser: where it is, or where it was sent.
type page struct {
	status   int
	url      *url.URL
	location *url.URL // of another site, or nil
	body     string
}

func (b *browser) see(response *http.Response, err error) *page {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	location, _ := response.Location()
	return &page{response.StatusCode, response.Request.URL, location, string(body)}
}

func (b *browser) get(path string) *page {
	b.Helper()
	return b.see(b.client.Get(b.url + path))
}

var (
	formPattern   = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)">(.*?)</form>`)
	hiddenPattern = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// submit sends the first form of a page that goes to a path, with what the user typed.
func (b *browser) submit(p *page, path string, typed url.Values) *page {
	b.Helper()
	for _, form := range formPattern.FindAllStringSubmatch(p.body, -1) {
		if action, _, _ := strings.Cut(form[1], "?"); action != path {
			continue
		}
		values := url.Values{}
		for _, hidden := range hiddenPattern.FindAllStringSubmatch(form[2], -1) {
			values.Set(hidden[1], html.UnescapeString(hidden[2]))
		}
		maps.Copy(values, typed)
		return b.see(b.client.PostForm(b.url+html.UnescapeString(form[1]), values))
	}
	b.Fatalf("%s has no form for %s:\n%s", p.url, path, p.body)
	return nil
}

func (b *browser) login(p *page, name string) *page {
	b.Helper()
	return b.submit(p, "/login", url.Values{"email": {name + "@example.com"}, "password": {name + "'s password"}})
}

// reader is the native app.
func (r *running) reader() *oauth2.Config {
	return &oauth2.Config{
		ClientID:    "reader",
		RedirectURL: "http://127.0.0.1:49152/callback",
		Scopes:      []string{"profile"},
		Endpoint:    oauth2.Endpoint{AuthURL: r.url + "/authorize", TokenURL: r.url + "/connect/token", AuthStyle: oauth2.AuthStyleInParams},
	}
}

// connect logs a user in for an app and allows it.
func (b *browser) connect(app *oauth2.Config, name string) *oauth2.Token {
	b.Helper()
	verifier := oauth2.GenerateVerifier()
	consent := b.login(b.see(b.client.Get(app.AuthCodeURL("xyz", oauth2.S256ChallengeOption(verifier)))), name)
	end := b.submit(consent, "/consent", url.Values{"decision": {"allow"}})
	if end.location == nil {
		b.Fatalf("after the consent: got %d at %s, want a redirect to the app\n%s", end.status, end.url, end.body)
	}
	q := end.location.Query()
	if q.Get("state") != "xyz" || q.Get("iss") != b.url {
		b.Errorf("the redirect is %s, want state and iss in it", end.location)
	}
	token, err := app.Exchange(b.Context(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		b.Fatal(err)
	}
	return token
}

// refresh uses a refresh token.
func refresh(ctx context.Context, app *oauth2.Config, token *oauth2.Token) (*oauth2.Token, error) {
	return app.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
}
