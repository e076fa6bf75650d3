package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
)

// unreachable says why a database cannot be used. The message of a driver has parts of
// the URL, so it is shown without them, and only where none of our sentences fits.
func unreachable(ctx context.Context, err error, d database) error {
	const nothing = "the database of OAUTH_DATABASE_URL cannot be reached: "
	server, _ := errors.AsType[*pgconn.PgError](err)
	maria, _ := errors.AsType[*mysql.MySQLError](err)
	_, unknownHost := errors.AsType[*net.DNSError](err)
	op, noAnswer := errors.AsType[*net.OpError](err)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New(nothing + "its server does not answer. Is it up, are host and port right, and does a firewall drop the packets?")
	case server != nil && strings.HasPrefix(server.Code, "28"), maria != nil && string(maria.SQLState[:2]) == "28":
		return errors.New(nothing + "the server refuses this user or this password")
	case server != nil && server.Code == "3D000", maria != nil && maria.Number == 1049:
		return errors.New(nothing + "the server has no database of this name. Create it, or correct the end of the URL")
	case unknownHost:
		return errors.New(nothing + "nobody knows the name of its host")
	case noAnswer:
		return fmt.Errorf("%sis the server up, and are host and port right? (%w)", nothing, op.Err)
	}
	return errors.New(nothing + scrub(err.Error(), d.parts))
}

// schemaHint names the command where sqlstore names its function.
func schemaHint(err error) error {
	if strings.Contains(err.Error(), "call sqlstore.Migrate") {
		return fmt.Errorf("%w. That is 'oauthctl migrate'", err)
	}
	return err
}

const hidden = "[hidden]"

// scrub takes texts out of a message, the longest first.
func scrub(message string, texts []string) string {
	texts = slices.Clone(texts)
	slices.SortFunc(texts, func(a, b string) int { return len(b) - len(a) })
	for _, text := range texts {
		if text != "" {
			message = strings.ReplaceAll(message, text, hidden)
		}
	}
	return message
}

// hide takes secrets out of an error. Its exit code stays.
func (c *call) hide(err error) error {
	if err == nil || scrub(err.Error(), c.secret) == err.Error() {
		return err
	}
	return verdict{exitCode(err), scrub(err.Error(), c.secret)}
}
