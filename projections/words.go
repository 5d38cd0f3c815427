package projections

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/irish"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/tamil"
	"github.com/blevesearch/snowballstem/turkish"
	"github.com/dchest/siphash"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"parley/events"
)

// stemmers by the primary part of a BCP 47 tag. A language without one is
// searched by whole words.
var stemmers = map[string]func(*snowballstem.Env) bool{
	"ar": arabic.Stem, "da": danish.Stem, "de": german.Stem, "en": english.Stem,
	"es": spanish.Stem, "fi": finnish.Stem, "fr": french.Stem, "ga": irish.Stem,
	"hu": hungarian.Stem, "it": italian.Stem, "nb": norwegian.Stem, "nl": dutch.Stem,
	"nn": norwegian.Stem, "no": norwegian.Stem, "pt": portuguese.Stem, "ro": romanian.Stem,
	"ru": russian.Stem, "sv": swedish.Stem, "ta": tamil.Stem, "tr": turkish.Stem,
}

// scriptsWithoutSpaces: each character counts as a word of its own.
var scriptsWithoutSpaces = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

// Words gives the distinct search words of a text, sorted: case and diacritics
// folded, stemmed by the language. Accents fall before the stemming, so that a
// query without them finds what was written with them.
func Words(language, text string) []string { return vocabulary{}.words(language, text) }

// vocabulary remembers the search words of what was looked up, by language and
// as written. It holds what people said, and so lives for one batch only.
type vocabulary map[string]map[string][]string

func (v vocabulary) words(language, text string) []string {
	primary, _, _ := strings.Cut(strings.ToLower(language), "-")
	known := v[primary]
	if known == nil {
		known = map[string][]string{}
		v[primary] = known
	}
	var words []string
	for piece := range strings.FieldsSeq(text) {
		found, seen := known[piece]
		if !seen {
			found = stems(primary, piece)
			known[piece] = found
		}
		words = append(words, found...)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// stems gives the search words of a text in their order.
func stems(primary, text string) []string {
	words := split(fold(text))
	stem := stemmers[primary]
	if stem == nil {
		return words
	}
	for i, word := range words {
		env := snowballstem.NewEnv(word)
		stem(env)
		words[i] = env.Current()
	}
	return words
}

// fold takes case and diacritics away. Most words have nothing to take but
// capitals.
func fold(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	decomposed := norm.NFKD.String(cases.Fold().String(text))
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, decomposed)
	return norm.NFC.String(bare)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// split cuts at everything that is neither letter, mark nor digit; an
// apostrophe joins ("don't" is one word).
func split(text string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	for _, r := range text {
		switch {
		case r == '\'' || r == '’':
		case unicode.In(r, scriptsWithoutSpaces...):
			end()
			words = append(words, string(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			word.WriteRune(r)
		default:
			end()
		}
	}
	end()
	return words
}

// WordKey keys the word hashes of one session.
type WordKey [16]byte

// WordKeys are the keys of several sessions.
type WordKeys map[events.SessionID]WordKey

// WordsPurpose is what word keys are derived for from a session's data key; a
// WordKey is the first half of what comes out.
const WordsPurpose = "words"

// HashWords gives the keyed hashes (SipHash-2-4) of words, sorted, so that
// their order tells nothing.
func HashWords(key WordKey, words []string) []int64 {
	if len(words) == 0 {
		return nil
	}
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	hashes := make([]int64, len(words))
	for i, w := range words {
		hashes[i] = int64(siphash.Hash(k0, k1, []byte(w)))
	}
	slices.Sort(hashes)
	return hashes
}
