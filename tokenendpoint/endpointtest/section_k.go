package endpointtest

var sectionK = []rule{}

var timedK = []rule{}
