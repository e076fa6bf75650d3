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

// FileKeys is a [KeySource] of files, such as a secret that is mounted into a
// container. Give its address to one [OpenKeySet], which reports what is wrong
// with it.
//
// A file is PEM, with any number of PRIVATE KEY (PKCS #8), RSA PRIVATE KEY
// (PKCS #1), EC PRIVATE KEY (SEC 1) and PUBLIC KEY, or it is a JWK or a JWK Set
// (RFC 7517). A JWK has the id and the algorithm that it names, other keys those
// of an empty [Key]. A public key is published and does not sign. Encrypted keys
// are refused. Errors name a file, and never contain what is in it.
//
// The keys sign in the order in which they are in the file, several files being
// taken in the order of their names. A file is read again when its time, its
// size or the file itself is another. One that is half written is an error, and
// the KeySet goes on with the keys that it has; rename a complete file into the
// place of the old one, as mounted secrets do.
//
// # To change the key
//
//  1. Add the new key behind the old one. It is published at once, and signs
//     when [Rotation.Lead] has passed. A process that is started meanwhile cannot
//     know since when the new key has been there, so it begins with the old one,
//     too.
//  2. After Lead, put the public key of the old one in its place. No process
//     signs with it from here on.
//  3. After [Rotation.Keep], remove it.
//
// When a new key replaces the old one in one step, a process that runs and is in
// use does the same by itself: it signs with the old key until Lead has passed,
// and publishes it for Keep. One that is started then has nothing but the new key
// and signs with it at once, so that its tokens are refused by who has cached the
// JWKS before, and its JWKS lacks the old key.
type FileKeys struct {
	// Path is a file, or, with the wildcards of [filepath.Match], all files that
	// it matches: /etc/oauth/keys/*.pem. Names that begin with a dot are skipped
	// unless the last part of Path begins with one. It is required.
	Path string

	// read finds a file as it was last time; nil until the first use. A function,
	// for fmt does not look into it.
	read func(path string) *keyFile
}

var _ KeySource = (*FileKeys)(nil)

// keyFile is a file as it was read.
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
	// fileTime is a resolution of file times that is coarser than any file
	// system's.
	fileTime = 2 * time.Second
)

var (
	errNoPath       = errors.New("jws: FileKeys.Path is missing or not a pattern of filepath.Match")
	errNoFile       = errors.New("jws: no file matches FileKeys.Path")
	errTooManyFiles = fmt.Errorf("jws: over %d files match FileKeys.Path", maxKeyFiles)
	errNotRegular   = errors.New("it is not a regular file")
	errKeyFileSize  = fmt.Errorf("it is over %d bytes", maxKeyFile)
	errUnsteady     = errors.New("it has changed while it was read")
)

// Keys returns the keys that are in the files now. Files that cannot be reached
// hold it up, whatever ctx says.
func (f *FileKeys) Keys(ctx context.Context, _ Rotation, at time.Time) ([]Key, error) {
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
			continue
		}
		read[path] = file
		keys = append(keys, file.keys...)
	}
	f.read = func(path string) *keyFile { return read[path] } // the good ones need not be read again
	return keys, errors.Join(faults...)
}

func (f *FileKeys) paths() ([]string, error) {
	if !strings.ContainsAny(f.Path, "*?[") && f.Path != "" {
		return []string{f.Path}, nil
	}
	paths, err := filepath.Glob(f.Path)
	if err != nil || f.Path == "" {
		return nil, errNoPath
	}
	if !strings.HasPrefix(filepath.Base(f.Path), ".") {
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

// load returns a file, and reads it only if it is not as it was.
func (f *FileKeys) load(path string, at time.Time) (*keyFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	if f.read != nil {
		if last := f.read(path); last != nil && last.settled && same(last.info, info) {
			return last, nil
		}
	}
	if !info.Mode().IsRegular() { // to open a pipe would wait for its other end
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

// readKeyFile reads into one piece of memory, so that no copy of a key is left
// behind.
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

// withoutPath leaves out the path of an error, which the caller names.
func withoutPath(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return fmt.Errorf("%s: %w", pathError.Op, pathError.Err)
	}
	return err
}
