package endpointtest

var sectionQ = []rule{}

var timedQ = []rule{}
