package partner

//go:generate go run voices/generate.go

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/oggreader"
)

// frame is the length of one packet of sound and of one step.
const frame = 20 * time.Millisecond

//go:embed scripts/*.json voices/lengths.json voices/*.ogg
var prepared embed.FS

// Script is one topic with its prepared lines. The topic catalogue is seeded
// from these, so they are its one source.
type Script struct {
	// TopicID is the topic's ULID. It never changes.
	TopicID string
	// Slug is a short name, unique among scripts.
	Slug string
	// Title, Scenario and Goals are for the learner, in English.
	Title    string
	Scenario string
	Goals    []string
	// Language is what is practised, as BCP 47.
	Language string
	// Level is a CEFR level, A1 to C2.
	Level string
	// Phrases are useful ones, in the language that is practised.
	Phrases []string
	// Exchanges are gone through in order.
	Exchanges []Exchange
	// Closings follow, round and round, until the learner ends the session.
	Closings []Exchange
	// Again is what the tutor says when a line was not understood.
	Again Line
}

// Exchange is one line of the tutor and what the learner may answer.
type Exchange struct {
	Tutor Line
	// Learner has two or three lines; the first counts if none is chosen.
	Learner []Line
}

// Line is one thing to say.
type Line struct {
	// ID is unique among all scripts.
	ID   string
	Text string
	// Length is how long it takes to say.
	Length time.Duration
}

// exchange is the n-th, counted from 0; behind the last come the closings.
func (s Script) exchange(n int) Exchange {
	if n < len(s.Exchanges) {
		return s.Exchanges[n]
	}
	return s.Closings[(n-len(s.Exchanges))%len(s.Closings)]
}

// Scripts gives the prepared topics, by slug. It fails only when the program
// was built with broken ones.
func Scripts() ([]Script, error) {
	library, err := loadLibrary()
	return library.scripts, err
}

// voice is the sound of one line, one Opus packet a frame.
type voice [][]byte

func (v voice) length() time.Duration { return time.Duration(len(v)) * frame }

// library is everything prepared: the scripts and the sound of the tutors'
// lines by line id.
type library struct {
	scripts []Script
	voices  map[string]voice
}

// script finds the one for a topic id or a slug; else the first in that
// language; else the first.
func (l library) script(prompt, language string) Script {
	best := l.scripts[0]
	for i := len(l.scripts) - 1; i >= 0; i-- {
		s := l.scripts[i]
		switch {
		case s.TopicID == prompt || s.Slug == prompt:
			return s
		case language != "" && len(s.Language) >= 2 && language[:min(2, len(language))] == s.Language[:2]:
			best = s
		}
	}
	return best
}

// scriptFile is a script as it is written down.
type scriptFile struct {
	TopicID   string         `json:"topic_id"`
	Slug      string         `json:"slug"`
	Title     string         `json:"title"`
	Language  string         `json:"language"`
	Level     string         `json:"level"`
	Scenario  string         `json:"scenario"`
	Goals     []string       `json:"goals"`
	Phrases   []string       `json:"phrases"`
	Exchanges []exchangeFile `json:"exchanges"`
	Closings  []exchangeFile `json:"closings"`
	Again     string         `json:"again"`
}

type exchangeFile struct {
	Tutor   string   `json:"tutor"`
	Learner []string `json:"learner"`
}

// loader puts scripts, lengths and voices together; the first error stays.
type loader struct {
	lengths map[string]int
	voices  map[string]voice
	err     error
}

func loadLibrary() (library, error) {
	load := loader{voices: map[string]voice{}}
	load.json("voices/lengths.json", &load.lengths)
	paths, err := fs.Glob(prepared, "scripts/*.json")
	if err != nil {
		return library{}, fmt.Errorf("partner: list the scripts: %w", err)
	}
	var scripts []Script
	for _, path := range paths {
		var file scriptFile
		load.json(path, &file)
		scripts = append(scripts, load.script(file))
	}
	if load.err != nil {
		return library{}, fmt.Errorf("partner: load the scripts: %w", load.err)
	}
	return library{scripts: scripts, voices: load.voices}, nil
}

func (l *loader) json(path string, into any) {
	raw, err := prepared.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	l.fail(path, err)
}

func (l *loader) fail(what string, err error) {
	if err != nil && l.err == nil {
		l.err = fmt.Errorf("%s: %w", what, err)
	}
}

func (l *loader) script(file scriptFile) Script {
	all := append(append([]exchangeFile(nil), file.Exchanges...), file.Closings...)
	exchanges := make([]Exchange, len(all))
	for i, e := range all {
		exchanges[i] = l.exchange(file.Slug+"-"+strconv.Itoa(i+1), e)
	}
	return Script{
		TopicID: file.TopicID, Slug: file.Slug, Title: file.Title, Scenario: file.Scenario,
		Goals: file.Goals, Language: file.Language, Level: file.Level, Phrases: file.Phrases,
		Exchanges: exchanges[:len(file.Exchanges)], Closings: exchanges[len(file.Exchanges):],
		Again: l.tutor(file.Slug+"-again", file.Again),
	}
}

func (l *loader) exchange(id string, file exchangeFile) Exchange {
	e := Exchange{Tutor: l.tutor(id+"-tutor", file.Tutor)}
	for i, text := range file.Learner {
		line := Line{ID: fmt.Sprintf("%s-%c", id, 'a'+i), Text: text}
		line.Length = time.Duration(l.lengths[line.ID]) * time.Millisecond
		if line.Length == 0 {
			l.fail(line.ID, errors.New("has no length; run go generate"))
		}
		e.Learner = append(e.Learner, line)
	}
	return e
}

func (l *loader) tutor(id, text string) Line {
	raw, err := prepared.ReadFile("voices/" + id + ".ogg")
	l.fail(id, err)
	sound, err := readVoice(raw)
	l.fail(id, err)
	l.voices[id] = sound
	return Line{ID: id, Text: text, Length: sound.length()}
}

// readVoice takes an Ogg Opus file with one packet a page apart.
func readVoice(raw []byte) (voice, error) {
	pages, _, err := oggreader.NewWith(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read the voice: %w", err)
	}
	var sound voice
	for {
		packet, header, err := pages.ParseNextPage()
		switch {
		case errors.Is(err, io.EOF):
			return sound, nil
		case err != nil:
			return nil, fmt.Errorf("read the voice: %w", err)
		}
		if _, isHeader := header.HeaderType(packet); !isHeader {
			sound = append(sound, packet)
		}
	}
}
