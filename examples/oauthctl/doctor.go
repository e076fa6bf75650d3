package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"time"

	"github.com/contit/oauth/storage/sqlstore"
)

// finding is something that fails, or will.
type finding struct {
	Level string `json:"level"` // error: something fails now. warning: it will, or it is risky
	About string `json:"about"`
	What  string `json:"finding"`
	Do    string `json:"do"`
}

const (
	levelError   = "error"
	levelWarning = "warning"
)

// examination collects findings.
type examination struct {
	*call
	kept     *sqlstore.Store
	within   time.Duration // an end within this time is a finding
	rotation rotationFlags
	period   span
	findings []finding
}

func (e *examination) fail(about, do, what string, args ...any) {
	e.findings = append(e.findings, finding{levelError, about, fmt.Sprintf(what, args...), do})
}

func (e *examination) warn(about, do, what string, args ...any) {
	e.findings = append(e.findings, finding{levelWarning, about, fmt.Sprintf(what, args...), do})
}

// soon reports whether an instant lies within the time that the doctor looks ahead.
func (e *examination) soon(t time.Time) bool {
	return !t.IsZero() && t.After(e.now) && !t.After(e.now.Add(e.within))
}

func doctor() *command {
	e := &examination{period: span(30 * 24 * time.Hour)}
	within := span(30 * 24 * time.Hour)
	return &command{
		name:  "doctor",
		about: "Look for what fails now, and what would fail soon.",
		more: `It looks at the database (schema, rights, clock, durability), at the clients and their
secrets, at API keys, and at the signing keys. It changes nothing. It ends with 6 if
something fails now, so that a job can call it. If OAUTH_KEY_ENCRYPTION_KEYS is set, it
also opens the signing keys.`,
		example: "oauthctl doctor --within 14d",
		flags: func(f *flag.FlagSet) {
			f.Var(&within, "within", "a `duration`: what ends sooner is a finding")
			f.Var(&e.period, "period", "the `duration` of the server's jws.StoredKeysConfig.Period")
			e.rotation.add(f)
		},
		run: func(ctx context.Context, c *call) error {
			e.call, e.within = c, time.Duration(within)
			return e.examine(ctx)
		},
	}
}

func (e *examination) examine(ctx context.Context) error {
	db, config, err := e.open(ctx, false)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := e.database(ctx, config); err != nil {
		return err
	}
	if e.kept, err = sqlstore.Open(ctx, config); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// The error names each right that is missing. Nothing else can be read.
		e.fail("the store", "Do what the finding says, then run 'oauthctl doctor' again", "%s", scrub(schemaHint(err).Error(), e.secret))
		return e.report()
	}
	defer e.kept.Close()
	if err := e.clients(ctx); err != nil {
		return err
	}
	if err := e.signingKeys(ctx); err != nil {
		return err
	}
	return e.report()
}

// report prints the errors first.
func (e *examination) report() error {
	slices.SortStableFunc(e.findings, func(a, b finding) int {
		switch {
		case a.Level == b.Level:
			return 0
		case a.Level == levelError:
			return -1
		}
		return 1
	})
	if err := e.print(); err != nil {
		return err
	}
	errors := 0
	for _, f := range e.findings {
		if f.Level == levelError {
			errors++
		}
	}
	if errors > 0 {
		return verdict{exitFindings, fmt.Sprintf("%d of %d findings are errors", errors, len(e.findings))}
	}
	return nil
}

// print shows each finding in two lines: a table would be too wide to read.
func (e *examination) print() error {
	switch {
	case e.json && e.findings == nil:
		return e.showJSON([]finding{})
	case e.json:
		return e.showJSON(e.findings)
	case e.findings == nil:
		e.note("Nothing fails, and nothing that would fail soon was found.")
	}
	for _, f := range e.findings {
		if _, err := fmt.Fprintf(e.out, "%s: %s: %s.\n    %s\n", f.Level, printable(f.About), printable(f.What), f.Do); err != nil {
			return err
		}
	}
	return nil
}
