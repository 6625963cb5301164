//go:build !amd64

package coding

// Other processors go the way of the library; nothing below is ever called.

func hasMatrices() bool { return false }

func scaleMatrix(x, y *byte, n int, m *matrix)                    {}
func addScaledMatrix(x, y *byte, n int, m *matrix)                {}
func forward2(x, y *byte, n int, m *matrix)                       {}
func backward2(x, y *byte, n int, m *matrix)                      {}
func forward4(w, x, y, z *byte, n int, m *[3]matrix)              {}
func scaleForward4(in, out *[4]*byte, n int, m *[4]matrix)        {}
func backward4(w, x, y, z *byte, n int, m *[3]matrix)             {}
func addPlanes(sums *[2][128]byte, row, planes *byte, chunks int) {}
