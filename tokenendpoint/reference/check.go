package reference

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/contit/oauth/grants"
	"github.com/contit/oauth/tokenendpoint"
	"github.com/contit/oauth/tokenendpoint/internal/weburl"
)

// faults are the faults of a configuration.
type faults []error

func (f *faults) add(format string, args ...any) {
	*f = append(*f, fmt.Errorf("reference: "+format, args...))
}

// maxLogo bounds the logo, which every reader loads.
const maxLogo = 64 << 10

// complete puts the defaults in the place of empty fields.
func (c Config) complete() Config {
	c.Path = cmp.Or(c.Path, "/docs")
	c.Title = cmp.Or(c.Title, "Authorization")
	c.Language = cmp.Or(c.Language, "en")
	c.Accent = cmp.Or(c.Accent, "#3b5bdb")
	c.AccentDark = cmp.Or(c.AccentDark, "#91a7ff")
	if len(c.Scopes) == 0 {
		for _, name := range c.Description.ScopesSupported {
			c.Scopes = append(c.Scopes, Scope{Name: name})
		}
	}
	if c.Playground.ClientID != "" && c.Playground.RedirectURI == "" {
		c.Playground.RedirectURI = originOf(c.Description.Token) + c.Path + callbackPath
	}
	return c
}

// check finds the faults of a complete configuration.
func (c Config) check(f *faults) {
	if c.Description.Token == "" || len(c.Description.Grants) == 0 {
		f.add("Description is missing: set it to the Describe of the endpoint")
	}
	if !pathForm.MatchString(c.Path) || path.Clean(c.Path) != c.Path {
		f.add("Path is not a path such as /docs")
	}
	if !tagForm.MatchString(c.Language) {
		f.add("Language is not a tag such as de or pt-BR")
	}
	for _, colour := range []struct{ field, value, ground string }{
		{"Accent", c.Accent, groundLight}, {"AccentDark", c.AccentDark, groundDark},
	} {
		switch {
		case !colourForm.MatchString(colour.value):
			f.add("%s is not a colour such as #3b5bdb", colour.field)
		case contrast(colour.value, colour.ground) < 4.5:
			f.add("%s cannot be read on %s: its contrast is %.1f and has to be 4.5 (WCAG 2.2 §1.4.3)",
				colour.field, colour.ground, contrast(colour.value, colour.ground))
		}
	}
	if len(c.Logo) > 0 && (logoType(c.Logo) == "" || len(c.Logo) > maxLogo) {
		f.add("Logo is not a PNG, JPEG, WebP or SVG of at most %d KB", maxLogo>>10)
	}
	c.checkNames(f)
	c.checkPlayground(f)
}

// checkNames refuses a name that no request can have.
func (c Config) checkNames(f *faults) {
	seen := make(map[string]bool)
	for _, s := range c.Scopes {
		if _, err := grants.ParseScope(s.Name); err != nil || s.Name == "" || strings.Contains(s.Name, " ") {
			f.add("Scopes: %q is not the name of a scope", s.Name)
		} else if seen[s.Name] {
			f.add("Scopes: %q is there twice", s.Name)
		}
		seen[s.Name] = true
	}
	codes := make(map[grants.ErrorCode]bool)
	for _, e := range errorCodes {
		codes[e.ErrorCode] = true
	}
	for _, e := range c.Errors {
		switch {
		case !codeForm.MatchString(string(e.Code)):
			f.add("Errors: %q is not an error code such as out_of_stock", e.Code)
		case codes[e.Code]:
			f.add("Errors: %q has a page already", e.Code)
		case e.Means == "" || e.Do == "":
			f.add("Errors: %q needs Means and Do", e.Code)
		}
		codes[e.Code] = true
	}
	for _, name := range slices.Sorted(maps.Keys(c.Prefill)) {
		if !slices.Contains(parameterNames(c.Description), name) {
			f.add("Prefill: no grant of the endpoint has the parameter %q", name)
		}
	}
}

// checkPlayground refuses a playground that cannot work.
func (c Config) checkPlayground(f *faults) {
	p, d := c.Playground, c.Description
	if p.ClientID == "" {
		if p != (Playground{}) {
			f.add("Playground.ClientID is missing")
		}
		return
	}
	if d.Authorization == "" || !slices.ContainsFunc(d.Grants, func(g tokenendpoint.GrantDescription) bool { return g.Type == grants.TypeAuthorizationCode }) {
		f.add("Playground needs the grant %s and an AuthorizationEndpoint", grants.TypeAuthorizationCode)
	}
	if _, err := grants.ParseScope(p.Scope); err != nil {
		f.add("Playground.Scope is not a list of scopes with spaces between")
	}
	u, ok := weburl.Parse(p.RedirectURI)
	switch {
	case !ok:
		f.add("Playground.RedirectURI is not a URL without a fragment")
	case weburl.SchemeFault(u) != "":
		f.add("Playground.RedirectURI %s", weburl.SchemeFault(u))
	case u.EscapedPath() != c.Path+callbackPath || u.RawQuery != "":
		f.add("Playground.RedirectURI has not the path %s, where the page waits for the answer", c.Path+callbackPath)
	}
}

// parameterNames lists the parameters of all grants, in the order of the page.
func parameterNames(d tokenendpoint.Description) []string {
	all := []string{"grant_type", "client_id", "client_secret"}
	if slices.ContainsFunc(d.Grants, d.TakesAssertions) {
		all = append(all, "client_assertion_type", "client_assertion")
	}
	for _, g := range d.Grants {
		for _, p := range g.Parameters {
			if !slices.Contains(all, p.Name) {
				all = append(all, p.Name)
			}
		}
	}
	return append(all, "scope", "resource")
}

var (
	pathForm   = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
	tagForm    = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	codeForm   = regexp.MustCompile(`^[A-Za-z0-9._-]*[A-Za-z0-9]$`)
	colourForm = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
)

// The grounds of the page, from web/page.css.
const (
	groundLight = "#ffffff"
	groundDark  = "#14171c"
)

// contrast is the ratio of two colours (WCAG 2.2, "contrast ratio"): 1 to 21.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is how bright a colour #rrggbb is (WCAG 2.2, "relative luminance").
func luminance(colour string) float64 {
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, _ := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		v := float64(n) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weight * v
	}
	return sum
}

// logoType returns the media type of an image, or nothing for other data.
func logoType(image []byte) string {
	switch t := http.DetectContentType(image); {
	case t == "image/png" || t == "image/jpeg" || t == "image/webp":
		return t
	case strings.HasPrefix(t, "text/") && strings.Contains(string(image[:min(len(image), 1024)]), "<svg"):
		return "image/svg+xml"
	}
	return ""
}

// originOf is a URL up to its path, or empty.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
