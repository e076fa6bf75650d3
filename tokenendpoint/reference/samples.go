package reference

import (
	"embed"
	"net/url"
	"path"
	"strings"
)

// The samples are templates that web/samples.js fills in as well, with what a reader
// has typed. So a template has little syntax:
//
//   - "?flag,!flag " before a line: the line is there only if the flags hold. Flags
//     are basic or body (where the secret goes), form or json, headers (there is one),
//     secret (the client has one), and has:NAME (the parameter is there).
//   - {url}, {id}, {secret}: literals of the language.
//   - {name}, {value}, {pair}: the line repeats for each parameter.
//   - {value:NAME}: the value of one parameter.
//   - {basic}, {basic64}: the credentials, form-encoded (RFC 6749 §2.3.1).
//   - {body}, {json}: the whole body.
//
// The first lines say how the language quotes: shell, string or none.
//
//go:embed samples/*.txt
var sampleFiles embed.FS

// languages are the tabs, in their order. A file with a grant_type after its name is
// for that grant alone.
var languages = []struct{ ID, Label string }{
	{"curl", "curl"}, {"csharp", "C#"}, {"javascript", "JavaScript"}, {"python", "Python"}, {"go", "Go"}, {"http", ".http"},
}

// sampleTemplates are the templates by the names of their files, without ".txt".
func sampleTemplates() map[string]string {
	files, err := sampleFiles.ReadDir("samples")
	if err != nil {
		panic(err) // the files are embedded
	}
	all := make(map[string]string, len(files))
	for _, f := range files {
		b, err := sampleFiles.ReadFile(path.Join("samples", f.Name()))
		if err != nil {
			panic(err)
		}
		all[strings.TrimSuffix(f.Name(), ".txt")] = string(b)
	}
	return all
}

// pair is a parameter of a request.
type pair struct{ name, value string }

// request is the request of a sample on the page without JavaScript: a form, with the secret
// in the body. The script fills in the other ways too.
type request struct {
	url, id, secret string
	pairs           []pair // all, in their order, those of the client among them
}

// sampleOf fills in the template of a language for a grant.
func sampleOf(templates map[string]string, language, grantType string, r request) string {
	text, special := templates[language+"."+grantType]
	if !special {
		text = templates[language]
	}
	var quote string
	pairs := r.pairs
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if q, ok := strings.CutPrefix(line, "quote: "); ok && quote == "" {
			quote = q
			continue
		}
		if strings.HasPrefix(line, "pairs: ") {
			pairs = withoutClient(r.pairs)
			continue
		}
		line, there := r.holds(line)
		if !there {
			continue
		}
		lines = append(lines, r.fill(line, quote, pairs)...)
	}
	if quote == "shell" {
		return strings.Join(lines, " \\\n")
	}
	return strings.Join(lines, "\n")
}

func withoutClient(pairs []pair) (rest []pair) {
	for _, p := range pairs {
		if p.name != "client_id" && p.name != "client_secret" {
			rest = append(rest, p)
		}
	}
	return rest
}

// holds cuts the flags from a line, and reports whether they hold.
func (r request) holds(line string) (rest string, ok bool) {
	if !strings.HasPrefix(line, "?") {
		return line, true
	}
	flags, rest, _ := strings.Cut(line[1:], " ")
	for flag := range strings.SplitSeq(flags, ",") {
		name, not := strings.CutPrefix(flag, "!")
		var is bool
		switch {
		case name == "body" || name == "form":
			is = true
		case name == "secret":
			is = r.secret != ""
		case strings.HasPrefix(name, "has:"):
			is = r.value(name[len("has:"):]) != ""
		}
		if is == not {
			return "", false
		}
	}
	return rest, true
}

func (r request) value(name string) string {
	for _, p := range r.pairs {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// fill replaces the placeholders of a line.
func (r request) fill(line, quote string, pairs []pair) []string {
	if strings.Contains(line, "{name}") || strings.Contains(line, "{pair}") {
		var all []string
		for _, p := range pairs {
			all = append(all, strings.NewReplacer(
				"{name}", quoted(quote, p.name), "{value}", quoted(quote, p.value),
				"{pair}", quoted(quote, url.QueryEscape(p.name)+"="+url.QueryEscape(p.value)),
			).Replace(line))
		}
		return all
	}
	replace := []string{
		"{url}", quoted(quote, r.url), "{id}", quoted(quote, r.id), "{secret}", quoted(quote, r.secret), "{body}", form(r.pairs),
	}
	for _, p := range r.pairs {
		replace = append(replace, "{value:"+p.name+"}", quoted(quote, p.value))
	}
	return []string{strings.NewReplacer(replace...).Replace(line)}
}

// quoted makes a literal. Every language of the samples but that of the shell reads
// the same one: " and \ with \ before them, and control characters as \uXXXX.
func quoted(quote, s string) string {
	switch quote {
	case "shell":
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	case "string":
		return jsonText(s)
	}
	return s
}

func jsonText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ':
			const hex = "0123456789abcdef"
			b.WriteString(`\u00` + string(hex[c>>4]) + string(hex[c&15]))
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// form encodes parameters in their order (application/x-www-form-urlencoded).
func form(pairs []pair) string {
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = url.QueryEscape(p.name) + "=" + url.QueryEscape(p.value)
	}
	return strings.Join(parts, "&")
}
