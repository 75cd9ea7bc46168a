const NAMES =
  'al alabama,ak alaska,az arizona,ar arkansas,ca california,co colorado,ct connecticut,de delaware,' +
  'dc districtofcolumbia,fl florida,ga georgia,hi hawaii,id idaho,il illinois,in indiana,ia iowa,ks kansas,' +
  'ky kentucky,la louisiana,me maine,md maryland,ma massachusetts,mi michigan,mn minnesota,ms mississippi,' +
  'mo missouri,mt montana,ne nebraska,nv nevada,nh newhampshire,nj newjersey,nm newmexico,ny newyork,' +
  'nc northcarolina,nd northdakota,oh ohio,ok oklahoma,or oregon,pa pennsylvania,pr puertorico,ri rhodeisland,' +
  'sc southcarolina,sd southdakota,tn tennessee,tx texas,ut utah,vt vermont,va virginia,wa washington,' +
  'wv westvirginia,wi wisconsin,wy wyoming'

/** Two-letter codes by the state's name, in lower case and without spaces. */
export const US_STATES: ReadonlyMap<string, string> = new Map(
  NAMES.split(',').map((pair) => [pair.slice(3), pair.slice(0, 2)]),
)
