package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// marker is a phrase in all the forms in which software writes text down.
type marker struct {
	forms   map[string][]byte // by what they are called
	longest int
}

// plainForm is the phrase as it is.
const plainForm = "utf-8"

// markerOf makes the forms of a phrase.
func markerOf(phrase string) (marker, error) {
	forms := map[string][]byte{
		plainForm:              []byte(phrase),
		"utf-16 little-endian": asUTF16(phrase, false),
		"utf-16 big-endian":    asUTF16(phrase, true),
		"url":                  []byte(url.QueryEscape(phrase)),
		"url path":             []byte(url.PathEscape(phrase)),
		"hex":                  []byte(hex.EncodeToString([]byte(phrase))),
	}
	for name, forHTML := range map[string]bool{"json": false, "json for html": true} {
		text, err := asJSON(phrase, forHTML)
		if err != nil {
			return marker{}, err
		}
		forms[name] = []byte(text)
		forms[name+" in ascii"] = inASCII(text, "%04x")
		forms[name+" in ascii, capitals"] = inASCII(text, "%04X")
	}
	addBase64(forms, []byte(phrase))
	return newMarker(forms), nil
}

// asJSON is the phrase within the quotes of a JSON string.
func asJSON(phrase string, forHTML bool) (string, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(forHTML)
	if err := encoder.Encode(phrase); err != nil {
		return "", fmt.Errorf("write the phrase as JSON: %w", err)
	}
	quoted := strings.TrimSpace(out.String())
	return quoted[1 : len(quoted)-1], nil
}

// bytesMarker is the sealed bytes of an event, raw and as the log holds them.
func bytesMarker(name string, sealed []byte) marker {
	forms := map[string][]byte{name: sealed}
	base64Forms := map[string][]byte{}
	addBase64(base64Forms, sealed)
	for form, text := range base64Forms {
		forms[name+" as "+form] = text
	}
	return newMarker(forms)
}

// newMarker leaves out forms that are the same as another.
func newMarker(forms map[string][]byte) marker {
	m := marker{forms: map[string][]byte{}}
	known := map[string]bool{}
	for _, name := range append([]string{plainForm}, slices.Sorted(maps.Keys(forms))...) {
		if form := forms[name]; len(form) > 0 && !known[string(form)] {
			known[string(form)] = true
			m.forms[name] = form
			m.longest = max(m.longest, len(form))
		}
	}
	return m
}

// together is a marker that is found where any of them is.
func together(all []marker) marker {
	one := marker{forms: map[string][]byte{}}
	for _, m := range all {
		maps.Copy(one.forms, m.forms)
		one.longest = max(one.longest, m.longest)
	}
	return one
}

func asUTF16(text string, big bool) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		low, high := byte(unit), byte(unit>>8)
		if big {
			low, high = high, low
		}
		out = append(out, low, high)
	}
	return out
}

// inASCII escapes everything that is not ASCII.
func inASCII(text, digits string) []byte {
	var out strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		if unit < 0x80 {
			out.WriteByte(byte(unit))
			continue
		}
		out.WriteString(`\u` + fmt.Sprintf(digits, unit))
	}
	return []byte(out.String())
}

// addBase64 adds what base64 makes of the bytes wherever they begin in a longer text:
// at each of three alignments, without the characters that its neighbours decide.
func addBase64(forms map[string][]byte, content []byte) {
	for shift := range 3 {
		padded := append(make([]byte, shift), content...)
		padded = padded[:len(padded)/3*3]
		skip := (shift*8 + 5) / 6
		for name, encoding := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64 for urls": base64.URLEncoding} {
			if encoded := encoding.EncodeToString(padded); len(encoded)-skip >= 8 {
				forms[fmt.Sprintf("%s, alignment %d", name, shift)] = []byte(encoded[skip:])
			}
		}
	}
}

// sighting is one place where a marker was found.
type sighting struct {
	File   string `json:"file"` // below the data folder
	Offset int64  `json:"offset"`
	Form   string `json:"form"`
}

// searched is what a search of a folder came to.
type searched struct {
	Files      int        `json:"files"`
	Bytes      int64      `json:"bytes"`
	Found      []sighting `json:"found"`
	Missed     []string   `json:"missed"`     // what a search elsewhere, or with more rights, would reach; each says why
	Unsearched []string   `json:"unsearched"` // what no search of files shows
}

// mostSightings is how many places are named.
const mostSightings = 1000

// searchFolder looks for a marker in every file below a folder, which must be there.
// A file that vanishes meanwhile is no loss: servers remove theirs all the time.
func searchFolder(ctx context.Context, folder fs.FS, m marker) (searched, error) {
	s := searched{Found: []sighting{}, Missed: []string{}, Unsearched: []string{}}
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return err
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			s.Missed = append(s.Missed, err.Error())
			return nil
		case entry.Type()&fs.ModeSymlink != 0:
			s.Missed = append(s.Missed, name+": it is a link; search where it leads")
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		if err := s.file(folder, name, m); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.Missed = append(s.Missed, err.Error())
		}
		return nil
	})
	return s, err
}

func (s *searched) file(folder fs.FS, name string, m marker) error {
	file, err := folder.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	n, err := s.read(file, name, m)
	if err == nil {
		s.Files++
		s.Bytes += n
	}
	return err
}

// searchPiece is how much of a file is looked at at once, in bytes.
const searchPiece = 1 << 20

// read looks through one file for one marker; pieces overlap by the longest form.
func (s *searched) read(file io.Reader, name string, m marker) (int64, error) {
	piece := make([]byte, 0, searchPiece+m.longest)
	var before int64 // of the file, in front of the piece
	for first := true; ; first = false {
		n, err := io.ReadFull(file, piece[len(piece):cap(piece)])
		piece = piece[:len(piece)+n]
		if first && compressed(piece) {
			s.Missed = append(s.Missed, name+": it is compressed")
		}
		s.look(piece, before, name, m)
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = nil
			}
			return before + int64(len(piece)), err
		}
		keep := m.longest - 1
		before += int64(len(piece) - keep)
		piece = append(piece[:0], piece[len(piece)-keep:]...)
	}
}

// look notes the first place of each form in a piece.
func (s *searched) look(piece []byte, before int64, name string, m marker) {
	for form, text := range m.forms {
		if at := bytes.Index(piece, text); at >= 0 && len(s.Found) < mostSightings {
			s.Found = append(s.Found, sighting{name, before + int64(at), form})
		}
	}
}

// compressed tells by its first bytes whether a file is.
func compressed(begin []byte) bool {
	for _, magic := range []string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "BZh", "\xfd7zXZ", "\x04\x22\x4d\x18", "\xff\x06\x00\x00sNaPpY", "\xff\x06\x00\x00S2sTwO", "PK\x03\x04"} {
		if bytes.HasPrefix(begin, []byte(magic)) {
			return true
		}
	}
	return false
}
