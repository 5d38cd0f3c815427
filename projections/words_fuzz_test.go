package projections_test

import (
	"slices"
	"testing"
	"unicode/utf8"

	"parley/projections"
)

// Any query text gives distinct words, in order, and a hash for each.
func FuzzWords(f *testing.F) {
	for _, seed := range [][2]string{{"en", "Don't you like apples?"}, {"pt-BR", "Coração"}, {"ja", "駅はどこ"}, {"tr", "İstanbul"}, {"", "\xff\x00'"}, {"de", "''''"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, language, text string) {
		words := projections.Words(language, text)
		if !slices.IsSorted(words) || len(slices.Compact(slices.Clone(words))) != len(words) {
			t.Fatalf("%q", words)
		}
		for _, word := range words {
			if word == "" || !utf8.ValidString(word) {
				t.Fatalf("%q holds no word: %q", words, word)
			}
		}
		if hashes := projections.HashWords(projections.WordKey{}, words); len(hashes) != len(words) {
			t.Fatalf("%d hashes of %d words", len(hashes), len(words))
		}
	})
}
