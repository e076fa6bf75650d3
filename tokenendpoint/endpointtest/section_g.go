package endpointtest

var sectionG = []rule{}

var timedG = []rule{}
