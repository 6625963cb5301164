package config

import "fmt"

// Suggest is ", did you mean X?" for the known word nearest to a wrong one, or empty where none is near.
func Suggest(wrong string, known []string) string {
	best, distance := "", 1+len(wrong)/3
	for _, word := range known {
		if d := editDistance(wrong, word); d <= distance && (best == "" || d < distance) {
			best, distance = word, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// editDistance is Levenshtein's: the fewest letters to insert, remove or change.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
