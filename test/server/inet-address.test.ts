import { describe, expect, it } from 'vitest'
import { addressBytes, addressText } from '../../src/server/inet-address.ts'

describe('the bytes of an address', () => {
  it.each([
    ['10.0.0.255', '0a0000ff'],
    ['::1', '00000000000000000000000000000001'],
    ['fe80::1:2%eth0', 'fe800000000000000000000000010002'],
    ['2001:db8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['::ffff:10.0.0.1', '00000000000000000000ffff0a000001'],
  ])('of %s are %s', (text, hex) => {
    expect(addressBytes(text).toString('hex')).toBe(hex)
  })

  it.each(['broker-1', '', '1.2.3', '1.2.3.256', '1:2', '::1::', '1:2:3:4:5:6:7:8:9', ':::', '12345::'])(
    'of %j, which is none, are those of no address',
    text => {
      expect(addressBytes(text).toString('hex')).toBe('00000000')
    },
  )

  it('say the same address again', () => {
    expect(addressText(addressBytes('10.1.2.3'))).toBe('10.1.2.3')
    expect(addressText(addressBytes('2001:db8::7'))).toBe('2001:db8:0:0:0:0:0:7')
    expect(addressText(Buffer.alloc(5))).toBeUndefined()
  })
})
