package main

import (
	"context"
	"errors"
	"flag"
	"slices"
	"strings"
	"time"

	"github.com/contit/oauth/storage"
	"github.com/contit/oauth/storage/sqlstore"
)

// familyView is a family as the program shows it.
type familyView struct {
	ID         string    `json:"family"`
	ClientID   string    `json:"client_id"`
	Subject    string    `json:"subject"`
	Scope      string    `json:"scope"`
	Audience   []string  `json:"audience,omitempty"`
	IssuedAt   time.Time `json:"issued_at"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	ExpiresAt  time.Time `json:"expires_at"`
}

// familiesOf returns all live families of a subject.
func familiesOf(ctx context.Context, s *sqlstore.Store, subject string, at time.Time) (all []storage.Family, err error) {
	var p storage.Page
	for {
		page, err := s.ListFamilies(ctx, subject, at, p)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < p.Size() {
			return all, nil
		}
		p.After = page[len(page)-1].ID
	}
}

func familyList() *command {
	return &command{
		name:  "family list",
		args:  []string{"SUBJECT"},
		about: "List the live families of a subject: the apps that can act for it.",
		more: `A family is all that descends from one authorization: the code, and every refresh token
after it.`,
		example: "oauthctl family list user:42",
		run: func(ctx context.Context, c *call) error {
			s, done, err := c.store(ctx)
			if err != nil {
				return err
			}
			defer done()
			families, err := familiesOf(ctx, s, c.args[0], c.now)
			if err != nil {
				return err
			}
			views, t := []familyView{}, table{
				head: []string{"FAMILY", "CLIENT_ID", "SCOPE", "ISSUED", "LAST USED", "EXPIRES"},
				none: "The subject has no live family.",
			}
			for _, f := range families {
				views = append(views, familyView{f.ID, f.ClientID, f.Subject, strings.Join(f.Scope, " "), f.Audience, f.IssuedAt, f.LastUsedAt, f.ExpiresAt})
				t.add(f.ID, f.ClientID, list(f.Scope), day(f.IssuedAt), day(f.LastUsedAt), day(f.ExpiresAt))
			}
			return c.show(views, t)
		},
	}
}

// ending are the flags of "family end".
type ending struct {
	family, client string
	all, keys      bool
}

func familyEnd() *command {
	var e ending
	return &command{
		name:  "family end",
		args:  []string{"SUBJECT"},
		about: "End families of a subject: one, those of a client, or all.",
		more: `It cannot be undone: the app has to send its user to the login page again. An access token
of the family is refused at once where Config.Revocations is set, and lives until it
expires elsewhere.`,
		example: "oauthctl family end user:42 --client shop-app\n$ oauthctl family end user:42 --all --api-keys   # everything, for an account that was taken over",
		asks:    true,
		plain:   true,
		flags: func(f *flag.FlagSet) {
			f.StringVar(&e.family, "family", "", "end this `family`, which 'oauthctl family list' names")
			f.StringVar(&e.client, "client", "", "end the families of this `client_id`")
			f.BoolVar(&e.all, "all", false, "end all families")
			f.BoolVar(&e.keys, "api-keys", false, "with --all: revoke the API keys of the subject too")
		},
		run: func(ctx context.Context, c *call) error { return e.run(ctx, c) },
	}
}

func (e ending) run(ctx context.Context, c *call) error {
	subject := c.args[0]
	chosen := 0
	for _, given := range []bool{e.family != "", e.client != "", e.all} {
		if given {
			chosen++
		}
	}
	switch {
	case chosen != 1:
		return usage("say what ends: one of --family, --client and --all")
	case e.keys && !e.all:
		return usage("--api-keys goes with --all")
	}
	s, done, err := c.store(ctx)
	if err != nil {
		return err
	}
	defer done()
	families, err := familiesOf(ctx, s, subject, c.now)
	if err != nil {
		return err
	}
	families = slices.DeleteFunc(families, func(f storage.Family) bool {
		return e.family != "" && f.ID != e.family || e.client != "" && f.ClientID != e.client
	})
	if len(families) == 0 && !e.keys {
		return notFound("the subject %q has no such live family. 'oauthctl family list' shows what it has", subject)
	}
	more := ""
	if e.keys {
		more = ", and all of its API keys"
	}
	if err := c.ask("%d families of %q end for good%s.", len(families), subject, more); err != nil {
		return err
	}
	switch {
	case e.family != "":
		err = s.RevokeFamily(ctx, subject, e.family)
	case e.client != "":
		err = s.RevokeFamiliesOfClient(ctx, subject, e.client)
	case e.keys:
		err = s.RevokeSubject(ctx, subject, c.now)
	default:
		err = s.RevokeFamilies(ctx, subject)
	}
	if err != nil {
		return errors.Join(errors.New("some may have ended and some not. Run the same command again"), err)
	}
	c.note("Ended: %d families%s.", len(families), more)
	return nil
}
