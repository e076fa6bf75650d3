package redisstore

import (
	"errors"
	"fmt"

	"github.com/contit/oauth/storage"
)

var (
	errNoReply = errors.New("Config.Do returned neither a reply nor an error")
	errForm    = errors.New("redisstore: a reply is not as the script makes it")
)

// appendTexts flattens a reply, in any of the types that clients give. The
// errors that stand in a reply, as some clients put them there, are errors.
func appendTexts(texts []string, reply any) ([]string, error) {
	switch r := reply.(type) {
	case string:
		return append(texts, r), nil
	case []byte:
		return append(texts, string(r)), nil
	case []string:
		return append(texts, r...), nil
	case [][]byte:
		return appendEach(texts, r)
	case []any:
		return appendEach(texts, r)
	case error:
		return nil, r
	case nil:
		return nil, errNoReply
	}
	return nil, fmt.Errorf("Config.Do returned a %T, and no text or list of texts", reply)
}

func appendEach[T any](texts []string, list []T) ([]string, error) {
	var err error
	for _, one := range list {
		if texts, err = appendTexts(texts, one); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// verdict translates the first word of a reply, where yes is the word for
// success. Any other word is an outage: it could come from a proxy or from
// another version.
func verdict(reply []string, yes string) error {
	switch reply[0] {
	case yes:
		return nil
	case "NOTFOUND":
		return storage.ErrNotFound
	case "EXISTS":
		return storage.ErrExists
	case "SPENT":
		return storage.ErrSpent
	}
	return errForm
}

// done is the verdict of a script that says nothing else.
func done(reply []string) error {
	if len(reply) != 1 {
		return errForm
	}
	return verdict(reply, "OK")
}

// found returns the n texts that follow the word of a script that found
// something.
func found(reply []string, n int) ([]string, error) {
	if err := verdict(reply, "FOUND"); err != nil {
		return nil, err
	}
	if len(reply) != 1+n {
		return nil, errForm
	}
	return reply[1:], nil
}
