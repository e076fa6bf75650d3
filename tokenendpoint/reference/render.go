package reference

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	text "text/template"
)

//go:embed web
var web embed.FS

// The scripts of the page, in their order: together they are one file in one scope.
var scripts = []string{"samples.js", "elements.js", "token.js", "exchange.js", "fields.js", "try.js", "playground.js", "page.js"}

const callbackPath = "/callback"

// render makes every answer of the Reference.
func (r *Reference) render(c Config, texts map[string]string) error {
	v := newView(c, texts)
	plain := "default-src 'none'"
	v.Style = r.addFile("page", ".css", "text/css; charset=utf-8", plain, styleOf(c))
	v.Icon = r.addFile("icon", ".svg", "image/svg+xml", plain, iconOf(c))
	if len(c.Logo) > 0 {
		// An SVG that a browser opens by its own address is a document: it runs nothing.
		v.Logo = r.addFile("logo", "", logoType(c.Logo), "default-src 'none'; style-src 'unsafe-inline'; sandbox", c.Logo)
	}
	still := policy("style-src 'self'", "img-src 'self'")
	for _, e := range v.Errors {
		v.Error, v.Heading = &e, e.Code+" · "+c.Title
		if err := r.addPage("/errors/"+e.Code, "error", revalidate, still, v); err != nil {
			return err
		}
	}
	v.Error, v.Heading = nil, texts["callback.title"]+" · "+c.Title
	v.Script = r.addFile("callback", ".js", "text/javascript; charset=utf-8", plain, script("callback.js"))
	if v.Playground != nil {
		if err := r.addPage(callbackPath, "callback", never, policy("style-src 'self'", "img-src 'self'", "script-src 'self'"), v); err != nil {
			return err
		}
	}
	v.Heading = c.Title
	v.Script = r.addFile("page", ".js", "text/javascript; charset=utf-8", plain, script(scripts...))
	if err := r.addPage("", "page", revalidate, policy("style-src 'self'", "img-src 'self'", "script-src 'self'", v.connectSources()), v); err != nil {
		return err
	}
	for name, mediaType := range map[string]string{"reference.md": "text/markdown", "llms.txt": "text/plain"} {
		body, err := v.plain(name)
		if err != nil {
			return err
		}
		r.add("/"+name, mediaType+"; charset=utf-8", revalidate, plain, body)
	}
	return nil
}

// policy is the Content-Security-Policy of a page: the page loads its own files, and nothing else.
// form-action keeps what is typed out of the address even if no script runs.
func policy(sources ...string) string {
	return strings.Join(append([]string{"default-src 'none'"}, append(sources, "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'")...), "; ")
}

// connectSources are the addresses to which the page sends requests. A semicolon or a
// comma in one would end the directive, or begin another policy.
func (v *view) connectSources() string {
	d := v.Description
	sources := []string{"connect-src"}
	for _, u := range []string{d.Token, d.Revocation, d.Introspection, d.JWKS} {
		u, _, _ = strings.Cut(u, "?") // a source has no query
		u = strings.NewReplacer(";", "%3B", ",", "%2C").Replace(u)
		if u != "" && !slices.Contains(sources, u) {
			sources = append(sources, u)
		}
	}
	return strings.Join(sources, " ")
}

// addPage adds an HTML document.
func (r *Reference) addPage(at, name, cache, policy string, v *view) error {
	t, err := template.New("").Funcs(template.FuncMap{"t": v.text, "rich": rich}).ParseFS(web, "web/*.html")
	if err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, v); err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	r.add(at, "text/html; charset=utf-8", cache, policy, quotes(b.Bytes()))
	return nil
}

// quotes writes a quote in a text as it is, which saves four bytes at each: package
// html/template escapes it everywhere, and only in a tag it would end something. No tag
// has a > but its own: the package escapes that in the values of attributes.
func quotes(page []byte) []byte {
	var b bytes.Buffer
	for len(page) > 0 {
		words, tag, _ := bytes.Cut(page, []byte("<"))
		words = bytes.ReplaceAll(words, []byte("&#34;"), []byte(`"`))
		b.Write(bytes.ReplaceAll(words, []byte("&#39;"), []byte("'")))
		page = page[len(page)-len(tag):]
		if end := bytes.IndexByte(tag, '>') + 1; end > 0 {
			b.WriteByte('<')
			b.Write(tag[:end])
			page = tag[end:]
		}
	}
	return b.Bytes()
}

// plain makes a document for programs.
func (v *view) plain(name string) ([]byte, error) {
	t, err := text.New("").Funcs(text.FuncMap{"t": v.text, "cell": cell}).ParseFS(web, "web/reference.md")
	if err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, v); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	return b.Bytes(), nil
}

// rich sets a text between backquotes in the type of code. All of it is escaped.
func rich(s string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(s, "`") {
		if i%2 == 1 {
			b.WriteString(`<code dir="ltr">` + template.HTMLEscapeString(part) + "</code>")
		} else {
			b.WriteString(template.HTMLEscapeString(part))
		}
	}
	return template.HTML(b.String())
}

// cell keeps a text inside its cell of a table in Markdown.
func cell(s string) string { return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s) }

// script joins scripts into one file with a scope of its own.
func script(names ...string) []byte {
	b := []byte("(() => {\n\"use strict\";\n")
	for _, name := range names {
		b = append(b, spare(file(name))...)
	}
	return append(b, "})();\n"...)
}

// spare leaves out the parts that a browser does not need: the indentation, empty lines, and
// lines that are a comment. No text in the scripts and in the stylesheet goes over a
// line, so that a line means the same without what is before it.
func spare(source []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(source) {
		line = bytes.TrimSpace(line)
		comment := bytes.HasPrefix(line, []byte("//")) || bytes.HasPrefix(line, []byte("/*")) && bytes.HasSuffix(line, []byte("*/"))
		if len(line) > 0 && !comment {
			kept = append(append(kept, line...), '\n')
		}
	}
	return kept
}

// file is an embedded file.
func file(name string) []byte {
	b, err := web.ReadFile("web/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return b
}

// styleOf puts the host's colours before the stylesheet.
func styleOf(c Config) []byte {
	on := func(ground string) string {
		if contrast(ground, "#ffffff") >= contrast(ground, "#000000") {
			return "#ffffff"
		}
		return "#000000"
	}
	colours := fmt.Sprintf(":root { --accent: %s; --on-accent: %s; --ground: %s; }\n"+
		"@media (prefers-color-scheme: dark) { :root { --accent: %s; --on-accent: %s; --ground: %s; } }\n",
		c.Accent, on(c.Accent), groundLight, c.AccentDark, on(c.AccentDark), groundDark)
	return append([]byte(colours), spare(file("page.css"))...)
}

// iconOf draws the icon of the tab in the host's colour.
func iconOf(c Config) []byte {
	return []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="` + c.Accent +
		`"/><path d="M9 11l5 5-5 5M16 21h7" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"/></svg>`)
}
