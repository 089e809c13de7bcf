package admission

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/outcrop-dev/outcrop/internal/aws/sigv4"
)

// A State is what a gateway keeps between starts, in one file with mode 0600: the root key and, of
// the keys that it made, hashes.
type State struct {
	Root sigv4.Secret
	Keys []Key
}

type stateFile struct {
	SchemaVersion int        `json:"schema_version"`
	Root          string     `json:"root_key"` // base64, 32 bytes
	Keys          []keyEntry `json:"keys"`
}

type keyEntry struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Hash string `json:"sha256"` // hex
}

const schemaVersion = 1

// NewState returns a State with a fresh root key and no keys.
func NewState() State {
	var root [32]byte
	rand.Read(root[:])
	return State{Root: sigv4.NewSecret(base64.StdEncoding.EncodeToString(root[:]))}
}

// Load reads the state kept at path. The error is fs.ErrNotExist if there is none; a file that
// others can read is refused.
func Load(path string) (State, error) {
	info, err := os.Stat(path)
	if err != nil {
		return State{}, err
	}
	if info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		return State{}, fmt.Errorf("%s can be read by others (mode %04o): chmod 600 it, or remove it for a new key", path, info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return State{}, err
	}
	var f stateFile
	if err := json.Unmarshal(data, &f); err != nil {
		return State{}, fmt.Errorf("%s: %w", path, err)
	}
	if root, err := base64.StdEncoding.DecodeString(f.Root); err != nil || len(root) < 32 || f.SchemaVersion != schemaVersion {
		return State{}, fmt.Errorf("%s: not a state file of this version; remove it for a new key", path)
	}
	s := State{Root: sigv4.NewSecret(f.Root)}
	for _, e := range f.Keys {
		hash, err := hex.DecodeString(e.Hash)
		if err != nil || len(hash) != 32 {
			return State{}, fmt.Errorf("%s: key %q: sha256 is not 64 hex digits", path, e.ID)
		}
		s.Keys = append(s.Keys, Key{ID: e.ID, Name: e.Name, Hash: [32]byte(hash)})
	}
	return s, nil
}

// Save writes the state to path, whole or not at all.
func (s State) Save(path string) error {
	return s.write(path, os.Rename)
}

// write makes a file beside path and has place put it there.
func (s State) write(path string, place func(from, to string) error) error {
	f := stateFile{SchemaVersion: schemaVersion, Root: s.Root.Reveal(), Keys: []keyEntry{}}
	for _, k := range s.Keys {
		f.Keys = append(f.Keys, keyEntry{k.ID, k.Name, hex.EncodeToString(k.Hash[:])})
	}
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".state-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(data, '\n'))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return place(tmp.Name(), path)
}

// Open loads the state at path. If there is none it makes one with keys in it and reports so; of
// several gateways that start at once, one makes it and the others load that.
func Open(path string, keys ...Key) (s State, made bool, err error) {
	if s, err = Load(path); !errors.Is(err, fs.ErrNotExist) {
		return s, false, err
	}
	s = NewState()
	s.Keys = keys
	err = s.write(path, os.Link) // fails if path is there
	if errors.Is(err, fs.ErrExist) {
		s, err = Load(path)
		return s, false, err
	}
	return s, err == nil, err
}
