package main

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/contit/oauth/storage/sqlstore"
)

const (
	databaseVariable = "OAUTH_DATABASE_URL"
	prefixVariable   = "OAUTH_TABLE_PREFIX"

	environment = `Environment:
  OAUTH_DATABASE_URL         the database, as one of
                               postgres://user:password@host:5432/database?sslmode=verify-full
                               mysql://user:password@host:3306/database?tls=true
                               sqlite:/path/to/oauth.db
  OAUTH_TABLE_PREFIX         sqlstore.Config.TablePrefix, if the host sets one
  OAUTH_KEY_ENCRYPTION_KEYS  the key-encryption keys that 'key rotate' and 'doctor' need, as
                             "2:base64 1:base64": the version and the key, the one that seals first
`
)

// database is where OAUTH_DATABASE_URL leads.
type database struct {
	dialect sqlstore.Dialect
	driver  string
	dsn     string
	file    string   // of SQLite
	secret  []string // the parts that no message may show
	parts   []string // those, and the parts that a message about the connection may not show either
}

const writeURL = "Set OAUTH_DATABASE_URL to a URL that begins with postgres://, mysql:// or sqlite:. 'oauthctl --help' has examples"

// readDatabase reads a URL. Its errors never show it.
func readDatabase(text string) (database, error) {
	if text == "" {
		return database{}, usage("OAUTH_DATABASE_URL is not set. %s", writeURL)
	}
	if path, ok := strings.CutPrefix(text, "sqlite:"); ok {
		return sqliteDatabase(path)
	}
	u, err := url.Parse(text)
	if err != nil {
		return database{}, usage("OAUTH_DATABASE_URL is no URL: write the special characters of a password as %%40 for @, %%2F for / and so on. %s", writeURL)
	}
	d := database{dsn: text, secret: []string{text}}
	d.hide(u)
	switch u.Scheme {
	case "postgres", "postgresql":
		d.dialect, d.driver = sqlstore.Postgres, "pgx"
		return d, nil
	case "mysql", "mariadb":
		d.dialect, d.driver = sqlstore.MySQL, "mysql"
		d.dsn, err = mysqlName(u)
		d.secret = append(d.secret, d.dsn)
		return d, err
	}
	return database{}, usage("OAUTH_DATABASE_URL begins with none of postgres://, mysql:// and sqlite:. %s", writeURL)
}

// hide collects the parts of a URL as they may stand in the messages of a driver.
func (d *database) hide(u *url.URL) {
	if password, ok := u.User.Password(); ok {
		d.secret = append(d.secret, password, url.QueryEscape(password), url.PathEscape(password))
	}
	d.parts = append(d.secret, u.Host, u.Hostname(), u.User.Username(), strings.TrimPrefix(u.Path, "/"))
	for name, values := range u.Query() {
		if strings.Contains(name, "password") || strings.Contains(name, "key") {
			d.secret = append(d.secret, values...)
		}
		d.parts = append(d.parts, values...)
	}
}

// mysqlName returns the data source name of a mysql:// URL. The driver's own form is
// no URL.
func mysqlName(u *url.URL) (string, error) {
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "3306")
	}
	c := mysql.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = u.User.Username(), "tcp", host, strings.TrimPrefix(u.Path, "/")
	c.Passwd, _ = u.User.Password()
	if socket := u.Query().Get("socket"); socket != "" {
		c.Net, c.Addr = "unix", socket
	}
	q := u.Query()
	q.Del("socket")
	name := c.FormatDSN()
	if len(q) > 0 {
		separator := "?"
		if strings.Contains(name, "?") {
			separator = "&"
		}
		name += separator + q.Encode()
	}
	if _, err := mysql.ParseDSN(name); err != nil {
		return "", usage("OAUTH_DATABASE_URL is no mysql:// URL that the driver can read: are its parameters those of github.com/go-sql-driver/mysql?")
	}
	return name, nil
}

// sqliteDatabase has a busy_timeout, because the host writes at the same time. It sets
// no journal_mode: that would change the host's file.
func sqliteDatabase(path string) (database, error) {
	path = strings.TrimPrefix(path, "//")
	if path == "" || strings.ContainsAny(path, "?#") {
		return database{}, usage("OAUTH_DATABASE_URL names no file of SQLite: write sqlite:/path/to/oauth.db, without parameters")
	}
	return database{
		dialect: sqlstore.SQLite,
		driver:  "sqlite",
		dsn:     "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)",
		file:    path,
		secret:  []string{path},
		parts:   []string{path},
	}, nil
}

// patience is how long the first connection may take. A host that drops packets would
// otherwise hold the command for minutes.
const patience = 15 * time.Second

// open connects to the database. Only migrate makes a file of SQLite that is not there:
// any other command would leave an empty one behind.
func (c *call) open(ctx context.Context, create bool) (*sql.DB, sqlstore.Config, error) {
	d, err := readDatabase(c.getenv(databaseVariable))
	if err != nil {
		return nil, sqlstore.Config{}, err
	}
	c.secret = append(c.secret, d.secret...)
	if _, err := sqlstore.Migrations(d.dialect, c.getenv(prefixVariable)); err != nil {
		return nil, sqlstore.Config{}, usage("%s: %v", prefixVariable, err)
	}
	if d.file != "" && !create {
		if _, err := os.Stat(d.file); errors.Is(err, os.ErrNotExist) {
			return nil, sqlstore.Config{}, usage("the file of OAUTH_DATABASE_URL does not exist. 'oauthctl migrate' makes it")
		}
	}
	db, err := sql.Open(d.driver, d.dsn)
	if err != nil {
		return nil, sqlstore.Config{}, usage("OAUTH_DATABASE_URL cannot be read by the driver: %s", scrub(err.Error(), d.parts))
	}
	db.SetMaxOpenConns(2)
	first, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := db.PingContext(first); err != nil {
		db.Close()
		return nil, sqlstore.Config{}, unreachable(ctx, err, d)
	}
	return db, sqlstore.Config{DB: db, Dialect: d.dialect, TablePrefix: c.getenv(prefixVariable)}, nil
}

// store opens the store, and returns a function that closes it.
func (c *call) store(ctx context.Context) (*sqlstore.Store, func(), error) {
	db, config, err := c.open(ctx, false)
	if err != nil {
		return nil, nil, err
	}
	s, err := sqlstore.Open(ctx, config)
	if err != nil {
		db.Close()
		return nil, nil, schemaHint(err)
	}
	return s, func() {
		s.Close()
		db.Close()
	}, nil
}
