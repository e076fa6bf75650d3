package jws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// FileKeysConfig is the configuration of [FileKeys]. [NewFileKeys] copies it.
type FileKeysConfig struct {
	// Path is a file, or, with the wildcards of [filepath.Match], all files that it
	// matches: /etc/oauth/keys/*.pem. Names that begin with a dot are skipped unless
	// the last part of Path begins with one. It is required.
	Path string
}

// FileKeys is a [KeySource] of signing keys in files, such as a secret that is
// mounted into a container. Only [NewFileKeys] makes a working one. Give it to one
// [OpenKeySet].
//
// A file is PEM, with any number of PRIVATE KEY (PKCS #8), RSA PRIVATE KEY (PKCS #1),
// EC PRIVATE KEY (SEC 1) and PUBLIC KEY, or it is a JWK or a JWK Set (RFC 7517). A
// JWK has the id and the algorithm that it names; other keys have those of a [Key]
// without them. A public key is published and does not sign. Encrypted keys are
// refused. Errors name a file, and never show its contents.
//
// The signing keys take turns in the order in which they are in the file. Several
// files are taken in the order of their names. A file is read again when its time,
// its size or the file itself is another. A half-written file does not start a
// process. A running process goes on: if there is no other file, with its keys for as
// long as [OpenKeySet] says, and otherwise with the other files and with the keys
// last read from this one. Rename a complete file into the place of the old one, as
// mounted secrets do.
//
// # To change the signing key
//
//  1. Add the new signing key behind the old one. It is published at once, and signs
//     when [Rotation.Lead] has passed. A process that is started meanwhile cannot
//     know since when the new key has been there, so it begins with the old one,
//     too.
//  2. After Lead, put the public key of the old one in its place. No process
//     signs with it from here on.
//  3. After [Rotation.Keep], remove it.
//
// If a new key replaces the old one in one step, a running process that is in use
// does the same by itself: it signs with the old key until Lead has passed, and
// publishes the old key for Keep. But a process that is started then has only the new
// key and signs with it at once: verifiers that cached the JWKS before refuse its
// tokens, and its JWKS lacks the old key.
type FileKeys struct {
	path string
	// read returns a file as it was last read; nil until the first use. It is a
	// function, since fmt cannot print the private keys behind one.
	read    func(path string) *keyFile
	started bool // all files were read once
	said    complaint
}

var _ KeySource = (*FileKeys)(nil)

// keyFile is a file after it was read.
type keyFile struct {
	info fs.FileInfo
	keys []Key
	// settled is false if the file was so new that it may have changed again
	// within the resolution of its time.
	settled bool
}

const (
	// maxKeyFile bounds a file: a hundred RSA keys fit.
	maxKeyFile  = 256 << 10
	maxKeyFiles = 100
	// fileTime is a resolution of file times that is coarser than that of any file
	// system.
	fileTime = 2 * time.Second
)

var (
	errNoPath       = errors.New("jws: FileKeysConfig.Path is missing or not a pattern of filepath.Match")
	errNoFile       = errors.New("jws: no file matches FileKeysConfig.Path")
	errTooManyFiles = fmt.Errorf("jws: over %d files match FileKeysConfig.Path", maxKeyFiles)
	errNotRegular   = errors.New("it is not a regular file")
	errKeyFileSize  = fmt.Errorf("it is over %d bytes", maxKeyFile)
	errUnsteady     = errors.New("it has changed while it was read")
)

// NewFileKeys returns the signing keys in files. It reads no file yet.
func NewFileKeys(c FileKeysConfig) (*FileKeys, error) {
	if _, err := filepath.Match(c.Path, ""); err != nil || c.Path == "" {
		return nil, errNoPath
	}
	return &FileKeys{path: c.Path}, nil
}

// Keys returns the signing keys that are in the files now. If the files cannot be
// reached, Keys waits and cannot heed ctx. At the start, a file that cannot be read
// is an error. Later it is logged, and the keys last read from that file serve on, as
// long as another file can be read.
func (f *FileKeys) Keys(ctx context.Context, r Rotation, at time.Time) ([]Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	paths, err := f.paths()
	if err != nil {
		return nil, err
	}
	var keys []Key
	var faults []error
	read := make(map[string]*keyFile, len(paths))
	for _, path := range paths {
		file, err := f.load(path, at)
		if err != nil {
			faults = append(faults, fmt.Errorf("jws: key file %s: %w", path, err))
			if file = f.last(path); file == nil {
				continue
			}
		}
		read[path] = file
		keys = append(keys, file.keys...)
	}
	f.read = func(path string) *keyFile { return read[path] } // the good ones need not be read again
	if len(faults) > 0 && (!f.started || len(faults) == len(paths)) {
		return nil, errors.Join(faults...)
	}
	f.started = true
	f.said.say(ctx, r.withDefaults().Logger, "key files cannot be read, the others serve", faults...)
	return keys, nil
}

// last returns a file as it was last read, or nil.
func (f *FileKeys) last(path string) *keyFile {
	if f.read == nil {
		return nil
	}
	return f.read(path)
}

func (f *FileKeys) paths() ([]string, error) {
	if !strings.ContainsAny(f.path, "*?[") && f.path != "" {
		return []string{f.path}, nil
	}
	paths, err := filepath.Glob(f.path)
	if err != nil || f.path == "" {
		return nil, errNoPath
	}
	if !strings.HasPrefix(filepath.Base(f.path), ".") {
		// Mounted secrets keep their versions in directories such as ..data.
		paths = slices.DeleteFunc(paths, func(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") })
	}
	switch {
	case len(paths) == 0:
		return nil, errNoFile
	case len(paths) > maxKeyFiles:
		return nil, errTooManyFiles
	}
	slices.Sort(paths)
	return paths, nil
}

// load returns a file. It reads a file again only if the file has changed.
func (f *FileKeys) load(path string, at time.Time) (*keyFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	if last := f.last(path); last != nil && last.settled && same(last.info, info) {
		return last, nil
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return nil, errNotRegular
	}
	text, info, err := readKeyFile(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer clear(text)
	keys, err := parseKeyFile(text)
	if err != nil {
		return nil, err
	}
	return &keyFile{info: info, keys: keys, settled: info.ModTime().Before(at.Add(-fileTime))}, nil
}

func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// readKeyFile reads into one piece of memory, so that no copy of a private key is
// left behind.
func readKeyFile(path string) ([]byte, fs.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if before.Size() > maxKeyFile {
		return nil, nil, errKeyFileSize
	}
	text := make([]byte, before.Size()+1)
	n, err := io.ReadFull(file, text)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		clear(text)
		return nil, nil, err
	}
	after, err := file.Stat()
	if err != nil || !same(before, after) || int64(n) != before.Size() {
		clear(text)
		return nil, nil, errors.Join(errUnsteady, err)
	}
	return text[:n], before, nil
}

// withoutPath removes the path from an error, since the caller names it.
func withoutPath(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return fmt.Errorf("%s: %w", pathError.Op, pathError.Err)
	}
	return err
}
