package main

import "math"

// search looks for the highest rate that is held: by doubling or halving until one is held and another is not, then
// narrowing by the geometric mean.
type search struct {
	narrowings int  // still to do
	best       *row // of the highest rate that was held; nil: none yet
	failed     int  // the lowest rate that was not held; 0: none yet
}

// judge takes the outcome of a rate.
func (s *search) judge(r *row) {
	switch {
	case r.held() && (s.best == nil || r.Rate > s.best.Rate):
		s.best = r
	case !r.held() && (s.failed == 0 || r.Rate < s.failed):
		s.failed = r.Rate
	}
}

// next is the rate to try, 0 when the search is over.
func (s *search) next() int {
	switch {
	case s.best == nil:
		return s.failed / 2
	case s.failed == 0:
		return min(2*s.best.Rate, maxRate)
	case s.narrowings == 0:
		return 0
	}
	s.narrowings--
	return int(math.Sqrt(float64(s.best.Rate) * float64(s.failed)))
}
