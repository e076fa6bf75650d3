package tokenendpoint_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// An expander replaces the braces of a vector, for one round through its loops.
// It makes records of a store, such as {code c1}, once.
type expander struct {
	server    *vectorServer
	variables map[string]string
	made      map[string]string
}

// braced is an expression without another in it: {name} or {name arguments}.
// JSON in a body has a quote, a digit or a brace behind its brace.
var (
	braced = regexp.MustCompile(`\{([A-Za-z][A-Za-z0-9_]*(?:\.[a-z]+)?)(?: ([^{}]*))?\}`)
	begun  = regexp.MustCompile(`\{[A-Za-z].{0,20}`)
)

// expand evaluates all expressions, the innermost first. Escapes stay.
func (x *expander) expand(text string) (string, error) {
	for range 1000 {
		m := braced.FindStringSubmatchIndex(text)
		if m == nil {
			if left := begun.FindString(text); left != "" {
				return "", fmt.Errorf(`%q is no expression: write \x7b for a brace`, left)
			}
			return text, nil
		}
		name, args := text[m[2]:m[3]], ""
		if m[4] >= 0 {
			args = text[m[4]:m[5]]
		}
		value, err := x.evaluate(name, args)
		if err != nil {
			return "", fmt.Errorf("{%s %s}: %w", name, args, err)
		}
		text = text[:m[0]] + value + text[m[1]:]
	}
	return "", fmt.Errorf("there is no end to %.80s", text)
}

func (x *expander) evaluate(name, args string) (string, error) {
	if value, ok := x.variables[name]; ok && args == "" {
		return value, nil
	}
	words := strings.Fields(args)
	switch name {
	case "nothing":
		return "", nil
	case "V":
		return testVerifier, nil
	case "repeat", "count":
		return repeated(name, args)
	case "change":
		return changed(args)
	case "escape":
		return url.QueryEscape(unescapeVector(args)), nil
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(unescapeVector(args))), nil
	case "challenge":
		sum := sha256.Sum256([]byte(unescapeVector(args)))
		return base64.RawURLEncoding.EncodeToString(sum[:]), nil
	case "gzip":
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(unescapeVector(args)))
		w.Close()
		return escapeVector(b.String()), nil
	case "basic":
		return x.server.basic(args)
	case "code", "refresh", "voucher", "access", "key":
		return x.once(name, words)
	}
	if client, field, ok := strings.Cut(name, "."); ok {
		return x.server.field(client, field)
	}
	return "", fmt.Errorf("%q is not known", name)
}

// once makes a record of a store.
func (x *expander) once(name string, words []string) (string, error) {
	expression := name + " " + strings.Join(words, " ")
	if value, ok := x.made[expression]; ok {
		return value, nil
	}
	value, err := x.server.mint(name, words)
	x.made[expression] = value
	return value, err
}

// repeated is {repeat 3 text}, or {count 3 text} with the number of each in
// place of #.
func repeated(name, args string) (string, error) {
	number, text, _ := strings.Cut(args, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return "", err
	}
	if name == "repeat" {
		return strings.Repeat(text, n), nil
	}
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(text, "#", strconv.Itoa(i)))
	}
	return b.String(), nil
}

// changed is {change 3 text}: its fourth character is another one.
func changed(args string) (string, error) {
	number, text, _ := strings.Cut(args, " ")
	i, err := strconv.Atoi(number)
	if err != nil || i >= len(text) {
		return "", fmt.Errorf("there is no character %s", number)
	}
	other := "A"
	if text[i] == 'A' {
		other = "B"
	}
	return text[:i] + other + text[i+1:], nil
}

var escapedByte = regexp.MustCompile(`\\x[0-9a-f]{2}`)

// unescapeVector turns \xNN into the byte. There is no other escape: a body can
// be JSON, which has its own.
func unescapeVector(text string) string {
	return escapedByte.ReplaceAllStringFunc(text, func(s string) string {
		n, _ := strconv.ParseUint(s[2:], 16, 8)
		return string([]byte{byte(n)})
	})
}

func escapeVector(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, `\x%02x`, text[i])
	}
	return b.String()
}
