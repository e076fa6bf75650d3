package endpointtest

var sectionC = []rule{}

var timedC = []rule{}
