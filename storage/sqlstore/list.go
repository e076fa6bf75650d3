package sqlstore

import (
	"database/sql"
	"encoding/json"
	"strings"
)

// list reads the value that the method of args with the same name made.
type list []string

// Scan implements [sql.Scanner].
func (l *list) Scan(value any) error {
	var text string
	switch value := value.(type) {
	case nil:
		*l = nil
		return nil
	case string:
		text = value
	case []byte:
		text = string(value) // the driver may use its bytes again
	default:
		var any sql.Null[string]
		if err := any.Scan(value); err != nil {
			return err
		}
		text = any.V
	}
	if plain, ok := plainList(text); ok {
		*l = plain
		return nil
	}
	var all []string
	err := json.Unmarshal([]byte(text), &all)
	*l = all
	return err
}

// plainText writes a list as encoding/json does, if JSON has each of its texts as it is.
func plainText(l []string) (text string, ok bool) {
	n := len("[]")
	for _, s := range l {
		if !isPlain(s) || strings.ContainsAny(s, `"<>&`) {
			return "", false
		}
		n += len(s) + len(`"",`)
	}
	b := append(make([]byte, 0, n), '[')
	for i, s := range l {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), s...), '"')
	}
	return string(append(b, ']')), true
}

// plainList reads the texts of plainText, without a copy. It leaves all other JSON to
// encoding/json.
func plainList(text string) (l []string, ok bool) {
	body, ok := strings.CutPrefix(text, `["`)
	if !ok {
		return []string{}, text == "[]"
	}
	if body, ok = strings.CutSuffix(body, `"]`); !ok || !isPlain(body) {
		return nil, false
	}
	l = make([]string, 0, 1+strings.Count(body, `","`))
	for {
		one, more, found := strings.Cut(body, `","`)
		if strings.IndexByte(one, '"') >= 0 {
			return nil, false
		}
		l = append(l, one)
		if !found {
			return l, true
		}
		body = more
	}
}

// isPlain reports whether s is printable ASCII without \.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}
