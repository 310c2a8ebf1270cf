module faultline/bench/peers

go 1.19
