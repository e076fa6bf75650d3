package main

import (
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// browser uses the shop as a browser does: it keeps cookies, reads forms, and follows
// redirects, but not to another site.
type browser struct {
	testing.TB
	client *http.Client
}

func newBrowser(t testing.TB, shop string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatalf("making a cookie jar: got error %v", err)
	}
	home := strings.TrimPrefix(shop, "http://")
	return &browser{t, &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != home {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// sight is a page as the browser shows it.
type sight struct {
	status   int
	url      *url.URL
	location *url.URL // of another site, or nil
	header   http.Header
	body     string
	forms    map[string]*htmlForm // by id or, if a form has none, by action
	texts    map[string]string    // of the elements that have an id
}

type htmlForm struct {
	action string
	values url.Values // hidden fields, and the values that the page filled in
}

func (b *browser) get(address string) *sight {
	b.Helper()
	return b.see(b.client.Get(address))
}

// submit sends a form with the values that the user typed or clicked.
func (b *browser) submit(s *sight, form string, typed url.Values) *sight {
	b.Helper()
	f := s.forms[form]
	if f == nil {
		b.Fatalf("the page %s: got the forms %q, want one named %q\n%s", s.url, slices.Collect(maps.Keys(s.forms)), form, s.body)
	}
	action, err := s.url.Parse(f.action)
	if err != nil {
		b.Fatalf("the action of the form %q: got %q, want a URL", form, f.action)
	}
	values := maps.Clone(f.values)
	maps.Copy(values, typed)
	return b.see(b.client.PostForm(action.String(), values))
}

func (b *browser) see(answer *http.Response, err error) *sight {
	b.Helper()
	if err != nil {
		b.Fatalf("a request of the browser: got error %v", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatalf("reading a page: got error %v", err)
	}
	s := &sight{status: answer.StatusCode, url: answer.Request.URL, header: answer.Header, body: string(body)}
	if answer.Header.Get("Location") != "" {
		if s.location, err = answer.Location(); err != nil {
			b.Fatalf("the Location %q: got error %v", answer.Header.Get("Location"), err)
		}
		return s
	}
	s.parse(b)
	return s
}

// parse reads forms and texts. The decoder of XML reads HTML if it is told
// which elements have no end.
func (s *sight) parse(t testing.TB) {
	t.Helper()
	s.forms, s.texts = make(map[string]*htmlForm), make(map[string]string)
	d := xml.NewDecoder(strings.NewReader(s.body))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var form *htmlForm
	var id string
	for {
		token, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("the page %s is not HTML: %v\n%s", s.url, err, s.body)
		}
		switch e := token.(type) {
		case xml.StartElement:
			a := attributes(e)
			id = a["id"]
			switch {
			case e.Name.Local == "form":
				form = &htmlForm{action: a["action"], values: make(url.Values)}
				s.forms[firstOf(id, a["action"])] = form
			case e.Name.Local == "input" && form != nil && a["type"] != "checkbox":
				form.values.Add(a["name"], a["value"])
			}
		case xml.EndElement:
			id = ""
			if e.Name.Local == "form" {
				form = nil
			}
		case xml.CharData:
			if id != "" {
				s.texts[id] += string(e)
			}
		}
	}
}

func attributes(e xml.StartElement) map[string]string {
	a := make(map[string]string)
	for _, attribute := range e.Attr {
		a[attribute.Name.Local] = attribute.Value
	}
	return a
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
