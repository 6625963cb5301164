package sim

// epochs lets most runs of small committees have several epochs, with members that join, leave and change their stake.
// Members that rest for half an epoch are left out of the next: where honest ones may be, there have to be fewer liars.
func (x *expander) epochs() {
	y := &expander{Rand: stream(x.m.Seed, "epochs")}
	n := x.m.n()
	if y.chance(15) {
		x.m.Windows = &Windows{Repeats: y.between(1, 12), Transactions: y.between(1, 40)}
	}
	if n > 13 || y.chance(20) {
		return
	}
	x.m.Epochs = &Epochs{Length: y.between(9, 30), Upgrade: y.chance(20)}
	if y.chance(30) {
		x.most = max(1, int(standing(x.m.Stakes))-1)
	}
	if x.m.Safety < 4000 {
		x.m.Safety += 1500
	}
	if n <= 7 && y.chance(8) {
		x.disjoint(y)
		return
	}
	for range y.between(0, 3) {
		x.m.Stakes = append(x.m.Stakes, 0)
	}
	for range y.between(0, 6) {
		x.change(y)
	}
}

// disjoint replaces the whole committee at the end of one of the first epochs.
func (x *expander) disjoint(y *expander) {
	epoch := y.between(1, 3)
	old := x.m.n()
	for i := range old {
		x.m.Epochs.Changes = append(x.m.Epochs.Changes, Change{Epoch: epoch, Member: i})
	}
	for i := range y.between(4, old) {
		x.m.Stakes = append(x.m.Stakes, 0)
		x.m.Epochs.Changes = append(x.m.Epochs.Changes, Change{Epoch: epoch, Member: old + i, Stake: uint64(y.between(1, 2))})
	}
}

// change lets one member join, leave or change its stake, unless fewer than 4 would be left.
func (x *expander) change(y *expander) {
	c := Change{Epoch: y.between(1, 5), Member: y.IntN(x.m.n())}
	if y.chance(60) {
		c.Stake = uint64(y.between(1, 4))
	}
	x.m.Epochs.Changes = append(x.m.Epochs.Changes, c)
	if x.m.Validate() != nil {
		x.m.Epochs.Changes = x.m.Epochs.Changes[:len(x.m.Epochs.Changes)-1]
	}
}
