package projections_test

import (
	"slices"
	"testing"

	"parley/projections"
)

func TestWords(t *testing.T) {
	for name, c := range map[string]struct {
		language, text string
		want           []string
	}{
		"nothing":                             {"en", " …?! ", nil},
		"distinct, sorted, stemmed":           {"en", "Apples, pears and an apple", []string{"an", "and", "appl", "pear"}},
		"a region changes nothing":            {"en-GB", "Walking", []string{"walk"}},
		"accents fall":                        {"fr", "Café", projections.Words("fr", "cafe")},
		"German umlauts and sharp s":          {"de", "Straße", projections.Words("de", "STRASSE")},
		"an apostrophe joins":                 {"en", "don’t", projections.Words("en", "dont")},
		"no stemmer: whole words":             {"cy", "Mae'n braf", []string{"braf", "maen"}},
		"no language: whole words":            {"", "walking", []string{"walking"}},
		"numbers are words":                   {"en", "room 42", []string{"42", "room"}},
		"without spaces: character by itself": {"ja", "猫がいる", []string{"い", "か", "る", "猫"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := projections.Words(c.language, c.text); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestHashWords(t *testing.T) {
	words := []string{"appl", "pear", "plum"}
	key := projections.WordKey{1}
	hashes := projections.HashWords(key, words)

	t.Run("sorted, so that the order of words does not show", func(t *testing.T) {
		if !slices.IsSorted(hashes) || len(hashes) != len(words) {
			t.Errorf("got %v", hashes)
		}
	})
	t.Run("the same key finds a word again", func(t *testing.T) {
		if one := projections.HashWords(key, []string{"pear"}); !slices.Contains(hashes, one[0]) {
			t.Errorf("%v is not among %v", one, hashes)
		}
	})
	t.Run("another key finds nothing", func(t *testing.T) {
		for _, h := range projections.HashWords(projections.WordKey{2}, words) {
			if slices.Contains(hashes, h) {
				t.Errorf("%d is the same under both keys", h)
			}
		}
	})
	t.Run("SipHash-2-4, for ever", func(t *testing.T) {
		// Vector of the SipHash paper: key 00…0f, message 00…0e.
		var key projections.WordKey
		message := make([]byte, 15)
		for i := range key {
			key[i] = byte(i)
		}
		for i := range message {
			message[i] = byte(i)
		}
		vector := uint64(0xa129ca6149be45e5)
		if got := projections.HashWords(key, []string{string(message)}); got[0] != int64(vector) {
			t.Errorf("got %x", uint64(got[0]))
		}
	})
}
