package reference

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/tokenendpoint"
)

// view is the content of the templates.
type view struct {
	tokenendpoint.Description
	texts map[string]string

	Language, Direction                 string
	Heading, Title, Intro, Path, Public string
	Base                                string
	Icon, Logo, Style, Script           string
	Files                               []string
	TokenLine                           line
	Properties, Success, Claims, Scopes []parameter
	Methods                             []string
	Grants                              []grantView
	Answers                             []answer
	ExampleRequest, ExampleAnswer       code
	ExampleAnswers                      []code
	Lifetimes, Documents                []fact
	Refreshes                           bool // a grant answers with refresh tokens
	Errors                              []errorView
	Error                               *errorView // of the page of one error
	Further                             []further
	Playground                          *Playground
	Data                                data

	scope            string // of the examples
	exampleRefreshes bool   // the answer to ExampleRequest has a refresh token
}

type (
	line      struct{ Method, URL string }
	fact      struct{ Key, Text string }
	code      struct{ Label, Language, Text string }
	parameter struct {
		Name, Type  string
		Need        string // required, optional, depends, or empty in an answer
		Description string
		Notes       []string
		Grants      []string
		Secret      bool
		Sample      string // its value in a sample
	}
	grantView struct {
		Type, Short, Summary string
		Notes                []string
		Parameters           []parameter
		asserted             []parameter // the two of an assertion, which the page explains once for all grants
		Samples              []sample
	}
	sample struct {
		ID, Label, Grant, Text string
		Open                   bool
	}
	further struct {
		ID              string // revocation or introspection
		Line            line
		Parameters      []parameter
		Example, Answer code
	}
)

// newView collects everything that the page shows.
func newView(c Config, texts map[string]string) *view {
	d := c.Description
	v := &view{
		Description: d, texts: texts, Language: c.Language, Direction: direction(c.Language),
		Title: c.Title, Heading: c.Title, Intro: cmp.Or(c.Intro, texts["page.intro"]), Path: c.Path,
		Base: originOf(d.Token), Public: originOf(d.Token) + c.Path,
		Files:     []string{"openapi.json", "reference.md", "llms.txt"},
		TokenLine: line{http.MethodPost, d.Token}, scope: "read",
	}
	if len(c.Scopes) > 0 {
		v.scope = c.Scopes[0].Name
	}
	if c.Playground.ClientID != "" {
		v.Playground = &c.Playground
	}
	templates := sampleTemplates()
	for _, g := range inOrder(d.Grants) {
		v.Grants = append(v.Grants, v.grant(c, g, templates))
		v.Refreshes = v.Refreshes || g.Refresh
	}
	v.Properties = v.union(d)
	v.describeMethods(d)
	v.describeAnswers()
	v.describeToken()
	v.Errors = v.errorViews(c.Errors)
	v.describeFurther(d)
	for _, s := range c.Scopes {
		v.Scopes = append(v.Scopes, parameter{Name: s.Name, Description: s.Description})
	}
	v.Data = v.data(c, templates)
	return v
}

// inOrder puts the grants of the library first, the simplest at the top, and those of the
// host after them.
func inOrder(all []tokenendpoint.GrantDescription) []tokenendpoint.GrantDescription {
	order := []string{grants.TypeClientCredentials, grants.TypeRefreshToken, grants.TypeAPIKey, grants.TypeAuthorizationCode}
	place := func(g tokenendpoint.GrantDescription) int {
		if i := slices.Index(order, g.Type); i >= 0 {
			return i
		}
		return len(order)
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b tokenendpoint.GrantDescription) int { return place(a) - place(b) })
	return sorted
}

// text is a text of the page, with its placeholders filled in.
func (v *view) text(name string, values ...any) string { return fillIn(v.texts[name], values...) }

// direction is how a language is written (Unicode CLDR).
func direction(tag string) string {
	lang, _, _ := strings.Cut(tag, "-")
	if slices.Contains([]string{"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"}, lang) {
		return "rtl"
	}
	return "ltr"
}

// grant describes a grant, with samples of a request for it.
func (v *view) grant(c Config, g tokenendpoint.GrantDescription, templates map[string]string) grantView {
	gv := grantView{Type: g.Type, Short: g.Type[strings.LastIndexByte(g.Type, ':')+1:], Summary: v.texts["grant."+g.Type+".summary"]}
	for _, alias := range g.Aliases {
		gv.Notes = append(gv.Notes, v.text("grant.alias", "name", alias))
	}
	clientID, id, secret, authentication := "required", "my-app-id", "depends", "grant.registered"
	asserts := v.TakesAssertions(g)
	switch g.ClientAuthentication {
	case grants.SecretRequired:
		secret, authentication = "required", "grant.secret"
	case grants.CredentialSuffices:
		secret, authentication = "optional", "grant.credential"
	case grants.ClientIDOptional:
		// The sample has none: it works for a reader who has the credential and nothing else.
		clientID, id, secret, authentication = "optional", "", "optional", "grant.optional"
	}
	if asserts { // a client with a key has no secret
		secret = "depends"
	}
	refresh := "grant.norefresh"
	if g.Refresh {
		refresh = "grant.refresh"
	}
	gv.Notes = append(gv.Notes, v.text(authentication)+" "+v.text(refresh))
	gv.Parameters = []parameter{
		{Name: "grant_type", Need: "required", Sample: g.Type, Description: "`" + g.Type + "`"},
		{Name: "client_id", Need: clientID, Sample: id},
		{Name: "client_secret", Need: secret, Secret: true},
	}
	if secret != "optional" {
		gv.Parameters[2].Sample = "my-app-secret"
	}
	if asserts {
		gv.asserted = v.assertionParameters()
	}
	for _, p := range g.Parameters {
		q := parameter{Name: p.Name, Need: "optional", Description: v.texts["grant."+g.Type+"."+p.Name], Secret: p.Secret, Sample: sampleValue(c, p.Name)}
		if p.Required {
			q.Need = "required"
		}
		if p.Header != "" {
			q.Notes = []string{v.text("parameter.header", "name", p.Header)}
		}
		gv.Parameters = append(gv.Parameters, q)
	}
	gv.Parameters = append(gv.Parameters, parameter{Name: "scope", Need: "optional"}, parameter{Name: "resource", Need: "optional"})
	req := request{url: v.TokenLine.URL}
	for i := range gv.Parameters {
		p := &gv.Parameters[i]
		p.Type = v.texts["page.string"]
		p.Description = cmp.Or(p.Description, v.texts["parameter."+p.Name])
		if given := c.Prefill[p.Name]; given != "" && p.Name != "grant_type" {
			p.Sample = given
		}
		if p.Sample != "" {
			req.pairs = append(req.pairs, pair{p.Name, p.Sample})
		}
	}
	req.id, req.secret = req.value("client_id"), req.value("client_secret")
	for i, language := range languages {
		gv.Samples = append(gv.Samples, sample{language.ID, language.Label, g.Type, sampleOf(templates, language.ID, g.Type, req), i == 0})
	}
	if v.ExampleRequest.Text == "" {
		v.exampleRefreshes = g.Refresh
		v.ExampleRequest = code{v.texts["page.sample"], "http", wire(v.TokenLine.URL, form(req.pairs))}
	}
	return gv
}

// assertionParameters are those of a client that shows an assertion.
func (v *view) assertionParameters() (all []parameter) {
	for _, name := range []string{"client_assertion_type", "client_assertion"} {
		all = append(all, parameter{Name: name, Type: v.texts["page.string"], Need: "depends", Description: v.texts["parameter."+name], Secret: name == "client_assertion"})
	}
	return all
}

// sampleValue stands for a value that only the reader has.
func sampleValue(c Config, name string) string {
	if name == "redirect_uri" {
		return cmp.Or(c.Playground.RedirectURI, "https://app.example.com/callback")
	}
	return "YOUR_" + strings.ToUpper(name)
}

// wire is a request of HTTP/1.1 with a form.
func wire(address, body string) string {
	u, err := url.Parse(address)
	if err != nil { // New has checked it
		return body
	}
	return "POST " + u.RequestURI() + " HTTP/1.1\nHost: " + u.Host + "\nContent-Type: application/x-www-form-urlencoded\n\n" + body
}

// union lists the parameters of all grants, and for each the grants that read it.
func (v *view) union(d tokenendpoint.Description) (all []parameter) {
	for _, name := range parameterNames(d) {
		var u parameter
		needs := make(map[string]int)
		for _, g := range v.Grants {
			all := slices.Concat(g.Parameters, g.asserted)
			i := slices.IndexFunc(all, func(p parameter) bool { return p.Name == name })
			if i < 0 {
				needs["absent"]++
				continue
			}
			p := all[i]
			needs[p.Need]++
			u.Name, u.Type, u.Secret = p.Name, p.Type, p.Secret
			u.Description, u.Notes = cmp.Or(u.Description, p.Description), p.Notes
			u.Grants = append(u.Grants, g.Type)
		}
		if name == "grant_type" {
			u.Description = v.grantTypes(d)
		}
		switch len(v.Grants) {
		case needs["required"]:
			u.Need = "required"
		case needs["optional"], needs["optional"] + needs["absent"]:
			u.Need = "optional"
		default:
			u.Need = "depends"
		}
		if len(u.Grants) == len(v.Grants) {
			u.Grants = nil // all of them
		}
		all = append(all, u)
	}
	return all
}

// grantTypes tells the values of grant_type.
func (v *view) grantTypes(d tokenendpoint.Description) string {
	var all []string
	for _, g := range inOrder(d.Grants) {
		all = append(all, "`"+g.Type+"`")
	}
	return v.text("parameter.grant_type", "names", strings.Join(all, ", "))
}

// describeMethods tells how a client shows who it is.
func (v *view) describeMethods(d tokenendpoint.Description) {
	known := map[string]string{
		storage.ClientSecretBasic: "request.basic", storage.ClientSecretPost: "request.post", storage.AuthNone: "request.none",
	}
	for _, m := range d.AuthMethods {
		if name, ok := known[m]; ok {
			v.Methods = append(v.Methods, v.text(name))
		} else if m == storage.PrivateKeyJWT {
			v.Methods = append(v.Methods, v.text("request.assertion", "issuer", d.Issuer, "algorithms", strings.Join(d.AssertionAlgorithms, ", ")))
		} else if m == storage.TLSClientAuth || m == storage.SelfSignedTLSClientAuth {
			v.Methods = append(v.Methods, v.text("request.certificate", "name", m))
		} else {
			v.Methods = append(v.Methods, v.text("request.other", "name", m))
		}
	}
}

// duration writes a duration in its greatest whole unit.
func (v *view) duration(d time.Duration) string {
	unit, name := time.Second, "page.seconds"
	for _, u := range []struct {
		time.Duration
		name string
	}{{24 * time.Hour, "page.days"}, {time.Hour, "page.hours"}, {time.Minute, "page.minutes"}} {
		// One hour is "60 min": a day or an hour alone would want another form.
		if d%u.Duration == 0 && d > u.Duration || d == u.Duration && u.Duration == time.Hour {
			unit, name = u.Duration, u.name
			break
		}
	}
	return v.text(name, "n", int64(d/unit))
}
