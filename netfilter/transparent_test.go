package netfilter

func runTransparentChild() (int, bool) { return 0, false }
