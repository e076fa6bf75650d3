package tokenendpoint_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A vector is one rule of the specification as text: requests, and the answers
// that they must get. testdata/vectors/README.md describes the format.
type vector struct {
	name     string // its row and its rule
	lets     map[string]string
	loops    []loop
	server   serverSettings
	clients  []clientSettings
	formOnly bool
	steps    []*step
}

// A loop gives values to variables, one item after the other.
type loop struct {
	names []string
	items [][]string
}

// A step is one request and its answer.
type step struct {
	place   string // the file and line
	request []string
	answer  []string
	store   *string // the calls that the store may get; nil if the vector names none
	quick   bool
}

var (
	vectorName = regexp.MustCompile(`^[A-Z][0-9]{2} \S.*\.$`)
	letLine    = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]*): (.*)$`)
	rangeItem  = regexp.MustCompile(`^([0-9]+)\.\.([0-9]+)$`)
)

// parseVectors reads a file of vectors.
func parseVectors(file, text string) ([]*vector, error) {
	common := &vector{lets: map[string]string{}}
	p := &vectorParser{current: common}
	var vectors []*vector
	for i, line := range strings.Split(text, "\n") {
		p.place = fmt.Sprintf("%s:%d", file, i+1)
		name, begins := strings.CutPrefix(line, "== ")
		if begins {
			p.current = &vector{name: name, lets: maps.Clone(common.lets), server: common.server, clients: slices.Clone(common.clients)}
			p.loop = nil
			vectors = append(vectors, p.current)
		}
		var err error
		switch {
		case begins && !vectorName.MatchString(name):
			err = errors.New("a vector is named for its row, and its rule is a sentence")
		case !begins:
			err = p.line(line)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.place, err)
		}
	}
	for _, v := range vectors {
		if err := v.check(); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, v.name, err)
		}
	}
	if len(vectors) == 0 || len(common.steps)+len(common.loops) > 0 {
		return nil, fmt.Errorf("%s: every request belongs to a vector", file)
	}
	return vectors, nil
}

// A vectorParser reads one line after the other.
type vectorParser struct {
	place   string
	current *vector
	loop    *loop // whose items may follow
}

func (p *vectorParser) line(line string) error {
	if item, ok := strings.CutPrefix(line, "\t"); ok {
		if p.loop == nil {
			return errors.New("there is no loop that this item belongs to")
		}
		return p.loop.add(item)
	}
	p.loop = nil
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "", "#":
		if line != "" && word == "" {
			return errors.New("a line begins with a space")
		}
		return nil
	case ">":
		p.step(true).request = append(p.step(false).request, rest)
		return nil
	case "<":
		s := p.step(false)
		if s == nil || len(s.request) == 0 {
			return errors.New("there is no request that this is the answer to")
		}
		s.answer = append(s.answer, rest)
		return nil
	case "store", "quick":
		return p.expectation(word, rest)
	}
	return p.setting(word, rest)
}

// step is the step that a line belongs to. A request after an answer begins a
// new one.
func (p *vectorParser) step(request bool) *step {
	steps := p.current.steps
	if len(steps) == 0 && !request {
		return nil
	}
	if len(steps) == 0 || request && len(steps[len(steps)-1].answer) > 0 {
		p.current.steps = append(steps, &step{place: p.place})
	}
	return p.current.steps[len(p.current.steps)-1]
}

func (p *vectorParser) expectation(word, rest string) error {
	s := p.step(false)
	switch {
	case s == nil || len(s.answer) == 0:
		return fmt.Errorf("%q comes behind an answer", word)
	case word == "quick" && rest == "":
		s.quick = true
	case word == "store" && rest != "":
		s.store = &rest
	default:
		return fmt.Errorf("%s %q is not known", word, rest)
	}
	return nil
}

// setting reads the lines above the requests of a vector.
func (p *vectorParser) setting(word, rest string) error {
	v := p.current
	if len(v.steps) > 0 {
		return fmt.Errorf("%q is not known, or it comes too late", word)
	}
	switch word {
	case "let":
		m := letLine.FindStringSubmatch(rest)
		if m == nil {
			return errors.New("want let name: text")
		}
		v.lets[m[1]] = m[2]
		return nil
	case "for":
		names, items, oneLine := strings.Cut(rest, ":")
		v.loops = append(v.loops, loop{names: strings.Split(names, " -> ")})
		p.loop = &v.loops[len(v.loops)-1]
		if !oneLine {
			return nil
		}
		for item := range strings.SplitSeq(items, " | ") {
			if err := p.loop.add(strings.TrimSpace(item)); err != nil {
				return err
			}
		}
		p.loop = nil
		return nil
	case "client":
		c := clientSettings{}
		err := decodeStrictly(rest, &c)
		v.clients = append(v.clients, c)
		return err
	case "server":
		return decodeStrictly(rest, &v.server)
	case "form-only":
		v.formOnly = true
		return nil
	}
	return fmt.Errorf("%q is not known", word)
}

// add takes one item, or the numbers of a range.
func (l *loop) add(item string) error {
	if m := rangeItem.FindStringSubmatch(item); m != nil {
		first, _ := strconv.Atoi(m[1])
		last, _ := strconv.Atoi(m[2])
		for i := first; i <= last; i++ {
			l.items = append(l.items, []string{strconv.Itoa(i)})
		}
		return nil
	}
	values := strings.Split(item, " -> ")
	if len(values) != len(l.names) {
		return fmt.Errorf("got %d values, want %d: write {nothing} for an empty one", len(values), len(l.names))
	}
	l.items = append(l.items, values)
	return nil
}

// check asserts that a vector says something.
func (v *vector) check() error {
	if len(v.steps) == 0 {
		return errors.New("it has no request")
	}
	for _, s := range v.steps {
		if len(s.answer) == 0 {
			return fmt.Errorf("%s: the request expects nothing", s.place)
		}
	}
	for _, l := range v.loops {
		for _, name := range l.names {
			if len(l.items) == 0 || !v.mentions("{"+name+"}") {
				return fmt.Errorf("the loop over %s does nothing", name)
			}
		}
	}
	return nil
}

// mentions reports whether a variable stands in the vector, or in a definition
// of the file that its requests use.
func (v *vector) mentions(variable string) bool {
	var all []string
	for _, s := range v.steps {
		all = append(append(all, s.request...), s.answer...)
	}
	for _, text := range v.lets {
		all = append(all, text)
	}
	for _, l := range v.loops {
		for _, item := range l.items {
			all = append(all, item...)
		}
	}
	return slices.ContainsFunc(all, func(s string) bool {
		return strings.Contains(s, variable) || strings.Contains(s, variable[:len(variable)-1]+".")
	})
}

func decodeStrictly(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
