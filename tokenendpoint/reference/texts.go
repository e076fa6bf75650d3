package reference

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/contit/oauth/tokenendpoint"
)

//go:embed texts.json
var textsFile []byte

// Texts returns every text of the page of an endpoint, in English: what a translator
// translates and a host gives back as Config.Texts. The texts of the grants and their
// parameters come from d, those of all else from texts.json.
//
// A text is plain text. `Backquotes` set a part in the type of code. A name in braces,
// such as {name}, is replaced; a translation has the same names.
func Texts(d tokenendpoint.Description) map[string]string {
	all := make(map[string]string)
	if err := json.Unmarshal(textsFile, &all); err != nil {
		panic(err) // the file is embedded, and a test reads it
	}
	for _, g := range d.Grants {
		all["grant."+g.Type+".summary"] = g.Summary
		for _, p := range g.Parameters {
			all["grant."+g.Type+"."+p.Name] = p.Description
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// chooseTexts lays the host's texts over the English ones.
func chooseTexts(c Config, f *faults) map[string]string {
	all := Texts(c.Description)
	for _, name := range slices.Sorted(maps.Keys(c.Texts)) {
		english, known := all[name]
		switch {
		case !known:
			f.add("Texts: %q is not the name of a text", name)
		case names(english) != names(c.Texts[name]):
			f.add("Texts: %q has not the placeholders %s of the English text", name, names(english))
		}
	}
	if lang, _, _ := strings.Cut(c.Language, "-"); lang != "" && lang != "en" {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if _, translated := c.Texts[name]; !translated && all[name] != "" {
				f.add("Texts: %q is not translated", name)
			}
		}
	}
	maps.Copy(all, c.Texts)
	return all
}

// names lists the placeholders of a text, each once.
func names(text string) string {
	all := placeholder.FindAllString(text, -1)
	slices.Sort(all)
	return fmt.Sprint(slices.Compact(all))
}

// fillIn replaces the placeholders of a text. The list has names and values in turn.
func fillIn(text string, values ...any) string {
	for i := 0; i+1 < len(values); i += 2 {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%v}", values[i]), fmt.Sprint(values[i+1]))
	}
	return text
}
