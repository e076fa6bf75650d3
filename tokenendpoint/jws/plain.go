package jws

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

var errMoreJSON = errors.New("jws: more than one JSON object")

// members are those of a JSON object, as encoding/json decodes them. Numbers are
// json.Number.
type members []member

type member struct {
	name  string
	value any
}

// find returns a member. If a name is there twice, the last one counts.
func (m members) find(name string) (value any, has bool) {
	for i := len(m) - 1; i >= 0; i-- {
		if m[i].name == name {
			return m[i].value, true
		}
	}
	return nil, false
}

// text returns a member that is a string. null counts as an empty one.
func (m members) text(name string) (s string, has, ok bool) {
	value, has := m.find(name)
	s, ok = value.(string)
	return s, has, ok || has && value == nil
}

// decodeObject appends the members of one JSON object, or of null, to room.
func decodeObject(text []byte, room members) (members, error) {
	if m, ok := decodePlain(text, room); ok {
		return m, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF { // d.More would take a brace for the end
		return nil, errMoreJSON
	}
	for name, value := range all {
		room = append(room, member{name, value})
	}
	return room, nil
}

// decodePlain decodes an object as nearly every issuer writes it, in a tenth of the time
// that encoding/json takes: without spaces and escapes, its values texts, whole numbers or
// lists of texts. ok is false for every other text. That is no verdict: encoding/json
// reads such a text.
func decodePlain(text []byte, room members) (m members, ok bool) {
	if !utf8.Valid(text) { // encoding/json puts a mark in the place of invalid bytes
		return nil, false
	}
	r := plainReader{rest: string(text)}
	if !r.skip('{') {
		return nil, false
	}
	for {
		name, isText := r.text()
		if !isText || !r.skip(':') {
			return nil, false
		}
		value := r.value()
		if value == nil {
			return nil, false
		}
		room = append(room, member{name, value})
		if r.skip('}') {
			return room, r.rest == ""
		}
		if !r.skip(',') {
			return nil, false
		}
	}
}

// plainReader reads JSON from the left.
type plainReader struct{ rest string }

// skip passes one character over, if it comes next.
func (r *plainReader) skip(c byte) bool {
	if r.rest == "" || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// text reads a string without escapes.
func (r *plainReader) text() (string, bool) {
	if !r.skip('"') {
		return "", false
	}
	for i := range len(r.rest) {
		switch c := r.rest[i]; {
		case c == '"':
			s := r.rest[:i]
			r.rest = r.rest[i+1:]
			return s, true
		case c == '\\', c < ' ':
			return "", false
		}
	}
	return "", false
}

// value reads a value of the types into which encoding/json decodes, or returns nil.
func (r *plainReader) value() any {
	if r.rest == "" {
		return nil
	}
	switch r.rest[0] {
	case '"':
		if s, ok := r.text(); ok {
			return s
		}
		return nil
	case '[':
		return r.list()
	}
	return r.number()
}

// list reads a list of strings that is not empty.
func (r *plainReader) list() any {
	r.skip('[')
	list := make([]any, 0, 2)
	for {
		s, ok := r.text()
		if !ok {
			return nil
		}
		list = append(list, s)
		if r.skip(']') {
			return list
		}
		if !r.skip(',') {
			return nil
		}
	}
}

// number reads a whole number that is positive.
func (r *plainReader) number() any {
	n := 0
	for n < len(r.rest) && '0' <= r.rest[n] && r.rest[n] <= '9' {
		n++
	}
	if n == 0 || r.rest[0] == '0' {
		return nil
	}
	s := json.Number(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}
