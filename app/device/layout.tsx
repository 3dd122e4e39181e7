export { default } from '../q/layout'
